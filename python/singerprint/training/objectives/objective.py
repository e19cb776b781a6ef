"""Objective: a weighted sum of named terms, and the modules that only training needs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import NamedTuple

from torch import Tensor, nn

from singerprint.models import SingerEncoder


class ObjectiveLoss(NamedTuple):
    """The loss of a batch.

    Attributes:
        total: ``()``, ``sum over terms of weight * term``: what is followed downhill.
        terms: each ``()``, without its weight.
    """

    total: Tensor
    terms: dict[str, Tensor]


class Objective(nn.Module, ABC):
    """What training minimises. The encoder stays outside; a projection, predictor or target is inside.

    Args:
        weights: what each term is multiplied by; its keys are the terms.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)

    def forward(
        self, encoder: SingerEncoder, first: Tensor, second: Tensor, singers: Tensor
    ) -> ObjectiveLoss:
        """Loss of two views of a batch.

        Args:
            encoder: the encoder that is trained.
            first: ``(batch, samples)``, the first crop of each pair.
            second: ``(batch, samples)``, the second.
            singers: ``(batch,)`` int64, equal for pairs of one singer where the objective is told of it.
        """
        terms = self.terms(encoder, first, second, singers)
        total = reduce(add, (weight * terms[name] for name, weight in self.weights.items()))
        return ObjectiveLoss(total, terms)

    @abstractmethod
    def terms(
        self, encoder: SingerEncoder, first: Tensor, second: Tensor, singers: Tensor
    ) -> dict[str, Tensor]:
        """The terms of two views, without their weights; arguments as of ``forward``."""

    def after_step(self, encoder: SingerEncoder, share: float) -> None:
        """What follows a step; ``share`` of training done, in [0, 1]."""
