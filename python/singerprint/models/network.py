"""What every network of an encoder has beside its computation."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """From images ``(batch, channels, mels, frames)`` to embeddings ``(batch, embedding_dim)``.

    Attributes:
        first_row: The number of a batch's first clip, where a network draws random numbers in training: ranks
            that share a batch set theirs.
    """

    first_row: int = 0

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the parameters, which that of the images must be."""
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    @property
    def frame_stride(self) -> int:
        """Columns of an image from one frame embedding to the next.

        Raises:
            ValueError: The network has none.
        """
        raise ValueError(
            f"frame_embeddings: network must embed frames, got {type(self).__name__}, which does not"
        )

    def frame_embeddings(self, images: Tensor) -> Tensor:
        """Embeds the frames of each image, in eval mode; frame i is centred on column ``i * frame_stride``.

        Args:
            images: ``(batch, channels, mels, frames)``.

        Returns:
            ``(batch, 1 + (frames - 1) // frame_stride, embedding_dim)``.

        Raises:
            ValueError: The network has no such frames, or a shape does not fit.
        """
        raise ValueError(
            f"frame_embeddings: network must embed frames, got {type(self).__name__}, which does not"
        )
