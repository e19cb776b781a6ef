"""NT-Xent, forward and backward, against lightly and the plain PyTorch expression, at equal results."""

import torch
from benchmarks.harness import Row
from benchmarks.losses.pairs import rows_of_pairs
from lightly.loss import NTXentLoss
from torch import Tensor, nn

from singerprint.losses import nt_xent

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
    # Each pair of rows of both views once: s, s again, and two products with z.
    return rows_of_pairs(losses, products=8)
