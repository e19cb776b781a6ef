"""Attentive statistics pooling: mean and deviation of frames, weighted by what they hold."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from singerprint.models.lengths import check_lengths


def attentive_statistics(frames: Tensor, scores: Tensor, eps: float = 1e-6) -> Tensor:
    """Weighted mean and standard deviation over frames, the weights a softmax of scores.

        weight[t] = exp(scores[t]) / sum over s of exp(scores[s])
        mean      = sum over t of weight[t] * frames[t]
        deviation = sqrt(max(eps, sum over t of weight[t] * (frames[t] - mean)^2))

    Where the variance is below eps, as that of a single frame or of silence, its gradient is 0. Half
    precision is summed in float32.

    Args:
        frames: ``(batch, dim, frames)``, any floating dtype, at least one frame.
        scores: ``(batch, frames)``, any floating dtype.
        eps: The smallest variance, above 0.

    Returns:
        ``(batch, 2 * dim)`` of the dtype of `frames`: the means, then the deviations. Differentiable twice.

    Raises:
        ValueError: A shape does not fit, there is no frame, or eps is not positive.
        TypeError: A dtype is not floating.

    Example:
        >>> import torch
        >>> attentive_statistics(torch.tensor([[[1.0, 3.0]]]), torch.zeros(1, 2))
        tensor([[2., 1.]])

    Source:
        Okabe, Koshinaka and Shinoda 2018, "Attentive statistics pooling for deep speaker embedding",
        https://arxiv.org/abs/1803.10963, equations 3 to 6.
    """
    result: Tensor = torch.ops.singerprint.attentive_statistics(frames, scores, eps)
    return result


class AttentiveStatistics(nn.Module):
    """`attentive_statistics` whose scores are ``score @ tanh(hidden @ frame + bias)``.

    The paper adds a number to every score of a clip, which the softmax takes out again: it is left out.

    Args:
        dim: Features of a frame, at least 1.
        hidden_dim: Width of the hidden layer, at least 1.
        generator: Draws the initial weights, uniform in +-1 / sqrt(inputs) as in `torch.nn.Linear`; None is
            one of seed 0. No global generator is touched.

    Raises:
        ValueError: A size is below 1.

    Example:
        >>> AttentiveStatistics(8)(torch.randn(2, 8, 11)).shape
        torch.Size([2, 16])
    """

    def __init__(self, dim: int, hidden_dim: int = 128, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        check_lengths("attentive_statistics", dim=dim, hidden_dim=hidden_dim)
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        # Made empty: a linear layer's own initialisation would draw from the global generator.
        self.hidden = nn.Linear(dim, hidden_dim, device="meta").to_empty(device="cpu")
        self.score = nn.Linear(hidden_dim, 1, bias=False, device="meta").to_empty(device="cpu")
        for layer in (self.hidden, self.score):
            bound = 1 / math.sqrt(layer.in_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, frames: Tensor) -> Tensor:
        """Gives ``(batch, 2 * dim)`` of ``(batch, dim, frames)``: weighted means, then deviations."""
        scores = self.score(torch.tanh(self.hidden(frames.transpose(1, 2)))).squeeze(-1)
        return attentive_statistics(frames, scores)
