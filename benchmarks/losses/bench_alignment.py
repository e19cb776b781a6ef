"""Alignment, forward and backward, against the authors' and a plain expression, at equal results."""

import torch
from benchmarks.harness import Row, compare
from benchmarks.losses.steps import checked_steps
from torch import Tensor, nn

from singerprint.losses import alignment

BATCHES = (140, 1024, 4096)
DIM = 128


def authors(first: Tensor, second: Tensor) -> Tensor:
    first, second = nn.functional.normalize(first), nn.functional.normalize(second)
    return (first - second).norm(dim=1).pow(2).mean()


def plain_torch(first: Tensor, second: Tensor) -> Tensor:
    first, second = nn.functional.normalize(first), nn.functional.normalize(second)
    return (first - second).square().sum(dim=1).mean()


def run() -> list[Row]:
    losses = {"singerprint": alignment, "plain torch": plain_torch, "align_uniform": authors}
    rows = []
    for batch in BATCHES:
        torch.manual_seed(0)
        first, second = (torch.randn(batch, DIM, requires_grad=True) for _ in range(2))
        element_bytes = 4
        rows += compare(
            f"{batch:,} x {DIM}",
            checked_steps(losses, first, second, gradient_tolerance=1e-5),
            bytes_moved=6 * batch * DIM * element_bytes,  # two views read twice, two gradients written
        )
    return rows
