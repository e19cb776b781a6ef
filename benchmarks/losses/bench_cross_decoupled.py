"""The released CONT loss, forward and backward, against a plain expression, at equal results."""

import torch
from benchmarks.harness import Row
from benchmarks.losses.pairs import rows_of_pairs
from torch import Tensor, nn

from singerprint.losses import cross_decoupled

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
    # s, s again, and a product with either view.
    return rows_of_pairs(losses, products=4)
