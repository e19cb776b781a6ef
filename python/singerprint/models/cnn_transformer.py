"""Two convolutions, then transformer blocks over time, pooled by attention; sources in the core's header.

The module owns the tensors; `torch.ops.singerprint.cnn_transformer` computes with them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from singerprint import _C
from singerprint.models.placed_tensors import tensors_at
from singerprint.models.transformer import Transformer


class CnnTransformer(Transformer):
    """Convolutions that divide mels and frames by 4, `layers` blocks over the columns that are left; a pool.

    Args:
        channels: Channels of a spectrogram, at least 1.
        mels: Its rows, at least 1.
        embedding_dim: Length of an embedding, at least 1.
        front_channels: Of the first convolution; the second one gives twice as many.
        dim: Length of a token, a multiple of `heads`.
        layers: Blocks, at least 1.
        heads: Of each block's attention.
        hidden: Width between the two layers of a block's perceptron.
        seed: Of the initial weights.

    Raises:
        ValueError: A size is out of range.
    """

    def __init__(
        self,
        channels: int = 1,
        mels: int = 80,
        embedding_dim: int = 1000,
        *,
        front_channels: int = 64,
        dim: int = 256,
        layers: int = 8,
        heads: int = 4,
        hidden: int = 1024,
        seed: int = 0,
    ) -> None:
        layout = _C.cnn_transformer_layout(channels, mels, embedding_dim, front_channels, dim, layers, hidden)
        super().__init__(layout, seed)
        self.mels = mels
        self.heads = heads
        self.embedding_dim = embedding_dim

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Embeds each spectrogram.

        Args:
            spectrograms: ``(batch, channels, mels, frames)`` of any number of frames, of the parameters'
                dtype.

        Returns:
            ``(batch, embedding_dim)``.

        Raises:
            ValueError: A shape does not fit, or there is no clip.
            TypeError: The dtype is not that of the parameters.
        """
        result: Tensor = torch.ops.singerprint.cnn_transformer(
            spectrograms, tensors_at(self._places), self.mels, self.heads
        )
        return result

    def extra_repr(self) -> str:
        """The sizes it was made with."""
        return f"mels={self.mels}, embedding_dim={self.embedding_dim}"


def cnn_transformer(
    channels: int = 1, mels: int = 80, embedding_dim: int = 1000, *, seed: int = 0
) -> CnnTransformer:
    """Makes a network of two convolutions and 8 transformer blocks: 7.3 million weights at 80 mels.

    It has no batch norm, so clips of a batch never meet, and no longest clip: positions are relative.

    Args:
        channels: Channels of a spectrogram, at least 1.
        mels: Its rows, at least 1.
        embedding_dim: Length of an embedding, at least 1.
        seed: Of the initial weights; no global generator is touched.

    Returns:
        The module: ``(batch, channels, mels, any frames) -> (batch, embedding_dim)``.

    Raises:
        ValueError: A size is out of range.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.models.cnn_transformer()(torch.randn(2, 1, 80, 345)).shape
        torch.Size([2, 1000])

    Source:
        The front of Gulati et al. 2020, "Conformer", https://arxiv.org/abs/2005.08100; positions of Chu et
        al. 2021, https://arxiv.org/abs/2102.10882; pooling of Hassani et al. 2021,
        https://arxiv.org/abs/2104.05704.
    """
    return CnnTransformer(channels, mels, embedding_dim, seed=seed)
