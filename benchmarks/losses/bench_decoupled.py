"""Decoupled loss, forward and backward, against lightly and a plain expression, at equal results."""

import torch
from benchmarks.harness import Row
from benchmarks.losses.pairs import rows_of_pairs
from lightly.loss import DCLLoss
from torch import Tensor, nn

from singerprint.losses import decoupled

TEMPERATURE = 0.1


def plain_torch(first: Tensor, second: Tensor) -> Tensor:
    z = nn.functional.normalize(torch.cat([first, second]))
    logits = z @ z.T / TEMPERATURE
    anchors = torch.arange(len(z), device=z.device)
    partners = anchors.roll(len(first))
    positives = logits[anchors, partners]
    logits[anchors, anchors] = logits[anchors, partners] = -torch.inf
    return (logits.logsumexp(dim=1) - positives).mean()


def run() -> list[Row]:
    losses = {
        "singerprint": lambda first, second: decoupled(first, second, TEMPERATURE),
        "plain torch": plain_torch,
        "lightly": DCLLoss(temperature=TEMPERATURE),
    }
    # Each pair of rows of both views once: s, s again, and two products with z.
    return rows_of_pairs(losses, products=8)
