"""Encoders: from waveforms to embeddings of the singer, and how they are kept in files."""

from singerprint.models.attentive_statistics import AttentiveStatistics, attentive_statistics
from singerprint.models.efficientnet import EfficientNet, efficientnet_b0, efficientnet_b4
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.load import load_model, save_model
from singerprint.models.model_error import ModelError
from singerprint.models.projection import Projection
from singerprint.models.released_encoder import ReleasedEncoder
from singerprint.models.singer_encoder import SingerEncoder

__all__ = [
    "AttentiveStatistics",
    "EfficientNet",
    "EncoderConfig",
    "ModelError",
    "Projection",
    "ReleasedEncoder",
    "SingerEncoder",
    "attentive_statistics",
    "efficientnet_b0",
    "efficientnet_b4",
    "load_model",
    "save_model",
]
