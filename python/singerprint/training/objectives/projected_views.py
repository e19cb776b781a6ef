"""Objectives that compare the projections of two views, ``projection(encoder(waveforms))``: all but BYOL."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from singerprint import losses
from singerprint.distributed import all_gather_rows
from singerprint.models import SingerEncoder
from singerprint.training.objectives.objective import Objective

VARIANCE_EPS = 1e-8  # the release's; the paper of VICReg has 1e-4, which is 0.01 beside a target of 0.088


class Projections(NamedTuple):
    """What the terms are functions of.

    Attributes:
        first: ``(batch, dim)``, rows of length 1.
        second: ``(batch, dim)``, row ``b`` belongs to row ``b`` of `first`.
        singers: ``(batch,)`` int64.
    """

    first: Tensor
    second: Tensor
    singers: Tensor


def _cross_decoupled(views: Projections, temperature: float) -> Tensor:
    return losses.cross_decoupled(views.first, views.second, temperature)


def _nt_xent(views: Projections, temperature: float) -> Tensor:
    return losses.nt_xent(views.first, views.second, temperature)


def _supervised_nt_xent(views: Projections, temperature: float) -> Tensor:
    rows = torch.cat([views.first, views.second])
    return losses.supervised_nt_xent(rows, torch.cat([views.singers, views.singers]), temperature)


def _alignment(views: Projections, _temperature: float) -> Tensor:
    return losses.alignment(views.first, views.second)


def _uniformity(views: Projections, _temperature: float) -> Tensor:
    """The mean of both views."""
    return (losses.uniformity(views.first) + losses.uniformity(views.second)) / 2


def _invariance(views: Projections, _temperature: float) -> Tensor:
    return losses.invariance(views.first, views.second)


def _variance(views: Projections, _temperature: float) -> Tensor:
    """The mean of both views; rows of length 1 that vary alike in all dimensions reach the target."""
    gamma = 1 / math.sqrt(views.first.shape[1])
    first, second = (losses.variance(view, gamma, VARIANCE_EPS) for view in views[:2])
    return (first + second) / 2


def _covariance(views: Projections, _temperature: float) -> Tensor:
    """The sum of both views, as in VICReg."""
    return losses.covariance(views.first) + losses.covariance(views.second)


TERMS: dict[str, Callable[[Projections, float], Tensor]] = {
    "cross_decoupled": _cross_decoupled,
    "nt_xent": _nt_xent,
    "supervised_nt_xent": _supervised_nt_xent,
    "alignment": _alignment,
    "uniformity": _uniformity,
    "invariance": _invariance,
    "variance": _variance,
    "covariance": _covariance,
}


class ProjectedViews(Objective):
    """A weighted sum of terms over the projections of two views.

    Args:
        projection: from embeddings to rows of length 1.
        weights: of the terms, whose names are keys of ``TERMS``.
        temperature: of the terms that are cross entropies.
    """

    def __init__(self, projection: nn.Module, weights: Mapping[str, float], temperature: float) -> None:
        super().__init__(weights)
        self.projection = projection
        self.temperature = temperature

    def terms(
        self, encoder: SingerEncoder, first: Tensor, second: Tensor, singers: Tensor
    ) -> dict[str, Tensor]:
        """The terms of two views, those of all ranks, without their weights."""
        first, second = self.projection(encoder(torch.cat([first, second]))).chunk(2)
        views = Projections(*map(all_gather_rows, (first, second, singers)))
        return {name: TERMS[name](views, self.temperature) for name in self.weights}
