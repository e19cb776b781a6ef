"""Stands in for the published ``singer_identity``; see ``singerprint.compat.singer_identity``."""

from singerprint.compat.singer_identity import (
    HF_SOURCE,
    Encoder,
    FeatureExtractor,
    IdentityEncoder,
    load_model,
)

__all__ = ["HF_SOURCE", "Encoder", "FeatureExtractor", "IdentityEncoder", "load_model"]
