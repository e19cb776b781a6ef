"""ViT-S/16 on spectrograms: the encoder of Desblancs et al. 2024 (https://arxiv.org/abs/2407.08647).

The module owns the tensors, under timm's keys; `torch.ops.singerprint.vit` computes with them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from singerprint import _C
from singerprint.models.placed_tensors import tensors_at
from singerprint.models.transformer import Transformer

PATCH = 16


class VisionTransformer(Transformer):
    """A vision transformer of `layers` blocks whose class token, through a linear layer and GELU, embeds.

    Args:
        channels: Channels of a spectrogram, at least 1.
        mels: Its rows, a multiple of 16.
        frames: Columns that positions are learned for, at least 16; others are interpolated.
        embedding_dim: Length of an embedding, at least 1.
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
        mels: int = 128,
        frames: int = 240,
        embedding_dim: int = 2048,
        *,
        dim: int = 384,
        layers: int = 12,
        heads: int = 6,
        hidden: int = 1536,
        seed: int = 0,
    ) -> None:
        layout = _C.vit_layout(channels, mels, frames, embedding_dim, PATCH, dim, layers, hidden)
        super().__init__(layout, seed)
        self.mels = mels
        self.frames = frames
        self.heads = heads
        self.embedding_dim = embedding_dim

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Embeds each spectrogram.

        Args:
            spectrograms: ``(batch, channels, mels, frames)`` of any number of frames, of the parameters'
                dtype. Frames beyond the last whole patch are left out, as the paper takes 240 of 241; fewer
                than 16 are repeated until there are 16.

        Returns:
            ``(batch, embedding_dim)``.

        Raises:
            ValueError: A shape does not fit, or there is no clip.
            TypeError: The dtype is not that of the parameters.
        """
        result: Tensor = torch.ops.singerprint.vit(
            spectrograms, tensors_at(self._places), self.mels, self.heads
        )
        return result

    def extra_repr(self) -> str:
        """The sizes it was made with."""
        return f"mels={self.mels}, frames={self.frames}, embedding_dim={self.embedding_dim}"


def vit_s16(
    channels: int = 1, mels: int = 128, frames: int = 240, embedding_dim: int = 2048, *, seed: int = 0
) -> VisionTransformer:
    """Makes a ViT-S/16 with random weights: 22.2 million of them at the sizes of the paper.

    Its state dict has the keys and shapes of timm's ``vit_small_patch16_224`` but for ``norm.*`` and
    ``head.*``: the paper has no norm after the blocks, and ``feature_map_layer.0`` makes the embedding. With
    `channels` 2 it is that of the published code.

    Args:
        channels: Channels of a spectrogram, at least 1.
        mels: Its rows, a multiple of 16.
        frames: Columns that positions are learned for, at least 16.
        embedding_dim: Length of an embedding, at least 1.
        seed: Of the initial weights, which are drawn as timm draws them; no global generator is touched.

    Returns:
        The module: ``(batch, channels, mels, any frames) -> (batch, embedding_dim)``.

    Raises:
        ValueError: A size is out of range.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.models.vit_s16()(torch.randn(2, 1, 128, 100)).shape
        torch.Size([2, 2048])

    Source:
        Desblancs et al. 2024, "From real to cloned singer identification", section 3; the blocks are those
        of Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929.
    """
    return VisionTransformer(channels, mels, frames, embedding_dim, seed=seed)
