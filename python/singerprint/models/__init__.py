"""Encoders: from waveforms to embeddings of the singer, and how they are kept in files."""

from singerprint.models.attentive_statistics import AttentiveStatistics, attentive_statistics
from singerprint.models.cnn_transformer import CnnTransformer, cnn_transformer
from singerprint.models.efficientnet import EfficientNet, efficientnet_b0, efficientnet_b4
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.encoder_presets import encoder_preset
from singerprint.models.export import PortableEncoder, export_onnx
from singerprint.models.initialize import initialize
from singerprint.models.load import load_model, save_model
from singerprint.models.model_error import ModelError
from singerprint.models.projection import PerceptronProjection, Projection
from singerprint.models.released_encoder import ReleasedEncoder
from singerprint.models.singer_classifier import Identification, SingerClassifier, pool_segments
from singerprint.models.singer_encoder import SingerEncoder
from singerprint.models.vit import VisionTransformer, vit_s16

__all__ = [
    "AttentiveStatistics",
    "CnnTransformer",
    "EfficientNet",
    "EncoderConfig",
    "Identification",
    "ModelError",
    "PerceptronProjection",
    "PortableEncoder",
    "Projection",
    "ReleasedEncoder",
    "SingerClassifier",
    "SingerEncoder",
    "VisionTransformer",
    "attentive_statistics",
    "cnn_transformer",
    "efficientnet_b0",
    "efficientnet_b4",
    "encoder_preset",
    "export_onnx",
    "initialize",
    "load_model",
    "pool_segments",
    "save_model",
    "vit_s16",
]
