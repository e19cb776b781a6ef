"""BYOL's loss, forward and backward, against lightly and the plain PyTorch expression, at equal results."""

import torch
from benchmarks.harness import Row, compare
from benchmarks.losses.steps import checked_steps
from lightly.loss import NegativeCosineSimilarity
from torch import Tensor, nn

from singerprint.losses import byol

BATCHES = (140, 1024, 4096)
DIM = 128


def plain_torch(prediction: Tensor, target: Tensor) -> Tensor:
    prediction, target = nn.functional.normalize(prediction), nn.functional.normalize(target)
    return (2 - 2 * (prediction * target).sum(dim=1)).mean()


def run() -> list[Row]:
    negative_cosine = NegativeCosineSimilarity()
    losses = {
        "singerprint": byol,
        "plain torch": plain_torch,
        "lightly": lambda prediction, target: 2 + 2 * negative_cosine(prediction, target),
    }
    rows = []
    for batch in BATCHES:
        torch.manual_seed(0)
        prediction, target = torch.randn(batch, DIM, requires_grad=True), torch.randn(batch, DIM)
        element_bytes = 4
        rows += compare(
            f"{batch:,} x {DIM}",
            checked_steps(losses, prediction, target, gradient_tolerance=1e-5),
            bytes_moved=5 * batch * DIM * element_bytes,  # two arguments read twice, one gradient written
        )
    return rows
