"""How the frames of a clip become one vector: ``(batch, dim, frames)`` to ``(batch, pooled_dim)``.

    mean:       mean over frames                                                      # dim
    adaptive:   mean over frames floor(i n / 4) to ceil((i + 1) n / 4), i = 0 to 3    # 4 * dim
    attentive:  mean and deviation, weighted by what the frames hold                  # 2 * dim

Each takes any number of frames from 1 on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from singerprint.models.attentive_statistics import AttentiveStatistics

PARTS = 4


class Aggregation(nn.Module, ABC):
    """From ``(batch, dim, frames)`` to ``(batch, pooled_dim)``."""

    pooled_dim: int

    @abstractmethod
    def forward(self, frames: Tensor) -> Tensor:
        """Aggregates the frames of each clip."""


class Mean(Aggregation):
    """The mean over frames."""

    def __init__(self, dim: int, _generator: torch.Generator) -> None:
        super().__init__()
        self.pooled_dim = dim

    def forward(self, frames: Tensor) -> Tensor:
        """The mean, ``(batch, dim)``."""
        return frames.mean(dim=2)


class AdaptiveAverage(Aggregation):
    """Means of four parts of the clip, as long as each other and, of few frames, with frames in common."""

    def __init__(self, dim: int, _generator: torch.Generator) -> None:
        super().__init__()
        self.pooled_dim = PARTS * dim

    def forward(self, frames: Tensor) -> Tensor:
        """The means, ``(batch, 4 * dim)``: those of a feature beside each other."""
        # As torch.nn.AdaptiveAvgPool1d, whose gradient on CUDA depends on the order of additions.
        count = frames.shape[2]
        parts = [
            frames[..., part * count // PARTS : -(-(part + 1) * count // PARTS)] for part in range(PARTS)
        ]
        return torch.stack([part.mean(dim=2) for part in parts], dim=2).flatten(1)


class Attentive(Aggregation):
    """`AttentiveStatistics` of the frames."""

    def __init__(self, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.pooled_dim = 2 * dim
        self.statistics = AttentiveStatistics(dim, generator=generator)

    def forward(self, frames: Tensor) -> Tensor:
        """Weighted means, then deviations, ``(batch, 2 * dim)``."""
        statistics: Tensor = self.statistics(frames)
        return statistics


AGGREGATIONS: Mapping[str, Callable[[int, torch.Generator], Aggregation]] = {
    "mean": Mean,
    "adaptive": AdaptiveAverage,
    "attentive": Attentive,
}
