"""The released CONT loss, forward and backward, against a plain expression, at equal results."""

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from torch import Tensor, nn

from singerprint.losses import cross_decoupled

PAIRS = (140, 1024, 4096)  # the papers' batch, and what memory allowed others
DIM = 128
TEMPERATURE = 0.2


def plain_torch(first: Tensor, second: Tensor) -> Tensor:
    logits = nn.functional.normalize(first) @ nn.functional.normalize(second).T / TEMPERATURE
    positives = logits.diagonal()
    itself = torch.eye(len(first), dtype=torch.bool, device=first.device)
    return (logits.masked_fill(itself, -torch.inf).logsumexp(dim=1) - positives).mean()


def run() -> list[Row]:
    losses = {
        "singerprint": lambda first, second: cross_decoupled(first, second, TEMPERATURE),
        "plain torch": plain_torch,
    }
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for pairs in PAIRS:
        torch.manual_seed(0)
        first, second = (torch.randn(pairs, DIM, requires_grad=True) for _ in range(2))
        for row in compare(
            f"{pairs:,} pairs x {DIM}",
            checked_steps(losses, first, second),
            flops=8 * pairs**2 * DIM,  # s, s again, and a product with either view
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
