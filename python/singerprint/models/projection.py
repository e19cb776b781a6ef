"""Projections: from the embedding to the space in which the training losses compare."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from singerprint.models.lengths import check_lengths
from singerprint.models.perceptron import perceptron


class Projection(nn.Module):
    """SiLU and a linear layer, ``projection = weight @ silu(embedding) + bias``, scaled to length 1.

    Losses see the projection, users the embedding, which keeps more of the singer (Torres et al. 2023,
    "Singer identity representation learning using self-supervised techniques", section 3).

    Args:
        in_dim: Length of an embedding, at least 1.
        out_dim: Length of a projection, at least 1.
        l2_normalize: Divide each projection by its length (by 1e-12 if it is shorter than that).
        seed: Of the initial weights, uniform in +-1 / sqrt(in_dim) as in `torch.nn.Linear`; no global
            generator is touched.

    Raises:
        ValueError: A length is below 1.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.models.Projection()(torch.randn(2, 1000)).shape
        torch.Size([2, 128])
    """

    def __init__(
        self, in_dim: int = 1000, out_dim: int = 128, l2_normalize: bool = True, *, seed: int = 0
    ) -> None:
        super().__init__()
        check_lengths("projection", in_dim=in_dim, out_dim=out_dim)
        self.l2_normalize = l2_normalize
        self.linear = nn.Linear(in_dim, out_dim, device="meta").to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        bound = 1 / math.sqrt(in_dim)
        nn.init.uniform_(self.linear.weight, -bound, bound, generator=generator)
        nn.init.uniform_(self.linear.bias, -bound, bound, generator=generator)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Projects ``(batch, in_dim)`` embeddings to ``(batch, out_dim)``."""
        projections: Tensor = self.linear(nn.functional.silu(embeddings))
        return nn.functional.normalize(projections, dim=1) if self.l2_normalize else projections


class PerceptronProjection(nn.Module):
    """A perceptron with two hidden layers and batch norms, scaled to length 1.

    The paper's embeddings have 2048 dimensions, and so have its projections.

    Args:
        in_dim: Length of an embedding, at least 1.
        hidden_dim: Width of the hidden layers, at least 1.
        out_dim: Length of a projection, at least 1.
        seed: Of the initial weights, PyTorch's own distributions; no global generator is touched.

    Raises:
        ValueError: A length is below 1.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.models.PerceptronProjection()(torch.randn(2, 2048)).shape
        torch.Size([2, 2048])

    Source:
        Desblancs et al. 2024, "From real to cloned singer identification", section 3.
    """

    def __init__(
        self, in_dim: int = 2048, hidden_dim: int = 1024, out_dim: int = 2048, *, seed: int = 0
    ) -> None:
        super().__init__()
        self.layers = perceptron("perceptron_projection", in_dim, hidden_dim, out_dim, seed)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Projects ``(batch, in_dim)`` embeddings to ``(batch, out_dim)``; in training at least 2 of them."""
        return nn.functional.normalize(self.layers(embeddings), dim=1)
