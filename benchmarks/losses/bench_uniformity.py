"""Uniformity, forward and backward, against the authors' and a plain expression, at equal results."""

import math

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from torch import Tensor, nn

from singerprint.losses import uniformity

BATCHES = (140, 1024, 4096)  # the papers' batch, and what memory allowed others
DIM = 128
T = 2.0


def authors(embeddings: Tensor) -> Tensor:
    return torch.pdist(nn.functional.normalize(embeddings)).pow(2).mul(-T).exp().mean().log()


def plain_torch(embeddings: Tensor) -> Tensor:
    z = nn.functional.normalize(embeddings)
    logits = (2 * T * z @ z.T).fill_diagonal_(-torch.inf)
    return logits.flatten().logsumexp(dim=0) - 2 * T - math.log(len(z) * (len(z) - 1))


def run() -> list[Row]:
    losses = {"singerprint": uniformity, "plain torch": plain_torch, "align_uniform": authors}
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for batch in BATCHES:
        torch.manual_seed(0)
        embeddings = torch.randn(batch, DIM, requires_grad=True)
        for row in compare(
            f"{batch:,} x {DIM}",
            checked_steps(losses, embeddings),
            flops=4 * batch**2 * DIM,  # each pair of rows once: s, s again, and two products with z
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
