"""BYOL's loss, forward and backward, against lightly and the plain PyTorch expression, at equal results."""

import torch
from benchmarks.harness import Row, compare
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

        def step(loss, prediction=prediction, target=target):
            prediction.grad = None
            value = loss(prediction, target)
            value.backward()
            return value.detach(), prediction.grad

        expected = step(losses["singerprint"])
        for loss in losses.values():
            value, gradient = step(loss)
            torch.testing.assert_close(value, expected[0], rtol=1e-5, atol=0)  # theirs are float32 throughout
            assert (gradient - expected[1]).norm() <= 1e-5 * expected[1].norm()
        element_bytes = 4
        rows += compare(
            f"{batch:,} x {DIM}",
            {name: lambda loss=loss, step=step: step(loss) for name, loss in losses.items()},
            bytes_moved=5 * batch * DIM * element_bytes,  # two arguments read twice, one gradient written
        )
    return rows
