"""Encoders: from waveforms to embeddings of the singer, and how they are kept in files."""

from singerprint.models.efficientnet import EfficientNet, efficientnet_b0
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.export import PortableEncoder, export_onnx
from singerprint.models.initialize import initialize
from singerprint.models.load import load_model, save_model
from singerprint.models.model_error import ModelError
from singerprint.models.projection import Projection
from singerprint.models.released_encoder import ReleasedEncoder
from singerprint.models.singer_encoder import SingerEncoder

__all__ = [
    "EfficientNet",
    "EncoderConfig",
    "ModelError",
    "PortableEncoder",
    "Projection",
    "ReleasedEncoder",
    "SingerEncoder",
    "efficientnet_b0",
    "export_onnx",
    "initialize",
    "load_model",
    "save_model",
]
