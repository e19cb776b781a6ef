"""Additive-margin softmax, forward and backward, against a plain expression, at equal results."""

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from torch import Tensor, nn

from singerprint.losses import am_softmax

SIZES = (
    (140, 1000),
    (512, 7500),
    (512, 30_000),
)  # batch, singers: up to those of the largest study of singers
DIM = 128
SCALE = 30.0
MARGIN = 0.2


def plain_torch(embeddings: Tensor, weights: Tensor, singers: Tensor) -> Tensor:
    cosines = nn.functional.normalize(embeddings) @ nn.functional.normalize(weights).T
    rows = torch.arange(len(singers), device=singers.device)
    taken_off = torch.zeros_like(cosines).index_put((rows, singers), torch.tensor(MARGIN))
    return nn.functional.cross_entropy(SCALE * (cosines - taken_off), singers)


def run() -> list[Row]:
    losses = {
        "singerprint": lambda *tensors: am_softmax(*tensors, SCALE, MARGIN),
        "plain torch": plain_torch,
    }
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for batch, count in SIZES:
        torch.manual_seed(0)
        embeddings = torch.randn(batch, DIM, requires_grad=True)
        weights = torch.randn(count, DIM, requires_grad=True)
        for row in compare(
            f"{batch} x {DIM}, {count:,} singers",
            checked_steps(losses, embeddings, weights, torch.randint(count, (batch,))),
            flops=8 * batch * count * DIM,  # s, s again, and a product with embeddings and with weights
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
