"""Encoders by name: front end, window and network of a paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from singerprint.frontend import LOG_MEL_PRESETS
from singerprint.models.encoder_config import EncoderConfig

ENCODER_PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Torres et al., "Singer identity representation learning using self-supervised techniques", 2023.
    "paper": {**LOG_MEL_PRESETS["paper"]},
    # Desblancs et al., "From real to cloned singer identification", 2024, of one channel instead of two.
    "deezer": {
        **LOG_MEL_PRESETS["deezer"],
        "normalization": "raw",
        "network": "vit_s16",
        "embedding_dim": 2048,
        "window_seconds": 6.0,
        "peak_normalize": True,  # their crops in training; their evaluation takes the peak of the whole track
    },
}


def encoder_preset(name: str, **changes: Any) -> EncoderConfig:  # noqa: ANN401 - EncoderConfig types them
    """The `EncoderConfig` of a paper.

    Args:
        name: ``"paper"``, Torres et al. 2023; or ``"deezer"``, Desblancs et al. 2024, whose recordings are
            mixed down to one channel here.
        **changes: Fields of `EncoderConfig` that shall differ from it.

    Returns:
        The configuration.

    Raises:
        ValueError: The name is unknown or a value is out of range.
        TypeError: A change is no field of `EncoderConfig`.

    Example:
        >>> import singerprint as sp
        >>> sp.models.encoder_preset("deezer").network_shape
        NetworkShape(channels=1, mels=128, frames=241, embedding_dim=2048)
    """
    if name not in ENCODER_PRESETS:
        raise ValueError(f"encoder_preset: name must be one of {', '.join(ENCODER_PRESETS)}, got {name}")
    return EncoderConfig(**{**ENCODER_PRESETS[name], **changes})
