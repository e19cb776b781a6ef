"""Dropout and stochastic depth as factors: drawn by address, not from the state of a generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

STREAM = 255  # of the Philox counter; those of augmentations start at 1


class Scales(NamedTuple):
    """What is multiplied: 0, or 1 / (1 - probability); None is 1.

    Attributes:
        residual: ``(blocks, batch)`` float32, the branch of each block with a shortcut.
        pooled: ``(batch, dim)`` float32, the features before the last layer.
    """

    residual: Tensor | None
    pooled: Tensor | None


def drawn_scales(
    seed: int, batches: Tensor, rows: Tensor, depth: Sequence[float], dropout: float, pooled_dim: int
) -> Scales:
    """Draws what a network drops from one batch: a function of seed, batches and row, on any device.

    Args:
        seed: In [-2**63, 2**63).
        batches: ``()`` int64, how many batches the network was trained on before, below 2**32.
        rows: ``(batch,)`` int64, the clips' numbers in the batch, in [0, 2**32).
        depth: Probability in [0, 1) that a block with a shortcut is left out, for each of them.
        dropout: Probability in [0, 1) that a feature is.
        pooled_dim: How many features there are.

    Returns:
        The factors.

    Source:
        `torchvision.ops.stochastic_depth` in mode "row", `torch.nn.functional.dropout`.
    """
    # models may not import augment, whose op this is.
    uniforms: Tensor = torch.ops.singerprint.draw_uniform(
        torch.full((), seed, dtype=torch.int64, device=rows.device),
        rows,
        batches.expand(len(rows)),
        STREAM,
        len(depth) + pooled_dim,
    )
    residual = pooled = None
    if any(depth):
        keep = 1 - torch.tensor(depth, device=rows.device)
        residual = ((uniforms[:, : len(depth)] < keep) / keep).T
    if dropout:
        pooled = (uniforms[:, len(depth) :] < 1 - dropout) / (1 - dropout)
    return Scales(residual, pooled)
