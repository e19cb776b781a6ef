"""Encoders: from waveforms to embeddings of the singer, and how they are kept in files."""

from singerprint.models.efficientnet import EfficientNet, efficientnet_b0
from singerprint.models.projection import Projection

__all__ = ["EfficientNet", "Projection", "efficientnet_b0"]
