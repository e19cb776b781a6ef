"""Supervised NT-Xent, forward and backward, against a plain expression, at equal results."""

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from torch import Tensor, nn

from singerprint.losses import supervised_nt_xent

ROWS = (280, 2048, 8192)  # twice the papers' batch, and what memory allowed others
ROWS_PER_SINGER = 4
DIM = 128
TEMPERATURE = 0.2


def plain_torch(embeddings: Tensor, singers: Tensor) -> Tensor:
    z = nn.functional.normalize(embeddings)
    logits = z @ z.T / TEMPERATURE
    same = singers[:, None] == singers
    negatives = logits.masked_fill(same, -torch.inf).logsumexp(dim=1, keepdim=True)
    positive = same.clone().fill_diagonal_(False)
    losses = nn.functional.softplus(negatives - logits) * positive
    return (losses.sum(dim=1) / positive.sum(dim=1)).mean()


def run() -> list[Row]:
    losses = {
        "singerprint": lambda embeddings, singers: supervised_nt_xent(embeddings, singers, TEMPERATURE),
        "plain torch": plain_torch,
    }
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for count in ROWS:
        torch.manual_seed(0)
        embeddings = torch.randn(count, DIM, requires_grad=True)
        singers = torch.randperm(count) % (count // ROWS_PER_SINGER)
        for row in compare(
            f"{count:,} x {DIM}, {ROWS_PER_SINGER} a singer",
            checked_steps(losses, embeddings, singers),
            flops=4 * count**2 * DIM,  # each pair of rows once: s, s again, and two products with z
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
