"""The rows of a contrastive loss of two views, forward and backward, at the sizes that all are timed at."""

from collections.abc import Callable, Mapping

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from torch import Tensor

PAIRS = (140, 1024, 4096)  # the papers' batch, and what memory allowed others
DIM = 128


def rows_of_pairs(losses: Mapping[str, Callable[..., Tensor]], products: int) -> list[Row]:
    """Rows of every contender; the work is so many matrix products of 2 * pairs**2 * DIM operations."""
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for pairs in PAIRS:
        torch.manual_seed(0)
        first, second = (torch.randn(pairs, DIM, requires_grad=True) for _ in range(2))
        for row in compare(
            f"{pairs:,} pairs x {DIM}",
            checked_steps(losses, first, second),
            flops=2 * products * pairs**2 * DIM,
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
