"""What every network of an encoder has beside its computation."""

from __future__ import annotations

import torch
from torch import nn


class Network(nn.Module):
    """From images ``(batch, channels, mels, frames)`` to embeddings ``(batch, embedding_dim)``."""

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the parameters, which that of the images must be."""
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device
