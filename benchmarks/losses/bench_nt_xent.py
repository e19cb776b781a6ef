"""NT-Xent, forward and backward, against lightly and the plain PyTorch expression, at equal results."""

import torch
from benchmarks.harness import Row, compare, machine_facts
from benchmarks.losses.steps import checked_steps
from lightly.loss import NTXentLoss
from torch import Tensor, nn

from singerprint.losses import nt_xent

PAIRS = (140, 1024, 4096)  # the papers' batch, and what memory allowed others
DIM = 128
TEMPERATURE = 0.2


def plain_torch(first: Tensor, second: Tensor) -> Tensor:
    z = nn.functional.normalize(torch.cat([first, second]))
    logits = (z @ z.T / TEMPERATURE).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(z), device=z.device).roll(len(first))
    return nn.functional.cross_entropy(logits, partners)


def run() -> list[Row]:
    losses = {
        "singerprint": lambda first, second: nt_xent(first, second, TEMPERATURE),
        "plain torch": plain_torch,
        "lightly": NTXentLoss(temperature=TEMPERATURE),
    }
    peak = machine_facts()["matmul_gflop_per_s"]
    rows = []
    for pairs in PAIRS:
        torch.manual_seed(0)
        first, second = (torch.randn(pairs, DIM, requires_grad=True) for _ in range(2))
        rows_of_both = 2 * pairs
        for row in compare(
            f"{pairs:,} pairs x {DIM}",
            checked_steps(losses, first, second),
            flops=4 * rows_of_both**2 * DIM,  # each pair of rows once: s, s again, and two products with z
            seconds=2.0,
        ):
            rows.append({**row, "share_of_matmul": row["gflop_per_s"] / peak})
    return rows
