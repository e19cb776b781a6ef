"""What a singer encoder hears and gives: the numbers that its weights were trained with, kept beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from singerprint.models.networks import NETWORKS, NetworkShape
from singerprint.models.normalization import NORMALIZATIONS

MINIMUM_CLIP_SECONDS = 0.1

# What `encoder.json` of before these values came does not say.
LATER_VALUES: Mapping[str, Any] = {
    "filter_rate_hz": None,
    "normalization": "standardize",
    "network": "efficientnet_b0",
}


@dataclass(frozen=True)
class EncoderConfig:
    """Front end, network and window of a `SingerEncoder`; its values are plain, so JSON keeps them.

    Attributes:
        sample_rate_hz: Of the waveforms, a whole number above 0.
        n_fft: Samples of an analysis window.
        hop_length: Samples from one frame to the next.
        n_mels: Mel bands.
        fmin_hz: Lower edge of the lowest band.
        fmax_hz: Upper edge of the highest band; None is half the sample rate.
        mel_scale: "slaney" or "htk".
        mel_norm: "slaney" (bands of equal area) or "none".
        log_offset: Added to each band's power before the logarithm.
        embedding_dim: Length of an embedding, at least 1.
        window_seconds: A longer clip is embedded as the mean over windows of this length, at least 0.1.
        filter_rate_hz: Sample rate that the mel filters were laid out for; None is `sample_rate_hz`. The
            released models have filters for 22,050 Hz on waveforms at 44,100 Hz.
        normalization: What is done to the log-mel, one of ``models.normalization.NORMALIZATIONS``.
        network: What embeds that image, one of ``models.networks.NETWORKS``.

    Raises:
        ValueError: `sample_rate_hz`, `window_seconds`, `normalization` or `network` is out of range. The
            other values are checked by what uses them.

    Example:
        >>> EncoderConfig(n_mels=128).window_samples
        176400
    """

    sample_rate_hz: int = 44100
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 80
    fmin_hz: float = 0.0
    fmax_hz: float | None = None
    mel_scale: Literal["slaney", "htk"] = "slaney"
    mel_norm: Literal["slaney", "none"] = "slaney"
    log_offset: float = 1e-8
    embedding_dim: int = 1000
    window_seconds: float = 4.0
    filter_rate_hz: int | None = None
    normalization: str = "standardize"
    network: str = "efficientnet_b0"

    def __post_init__(self) -> None:
        if not (isinstance(self.sample_rate_hz, int) and self.sample_rate_hz > 0):
            raise ValueError(
                f"encoder_config: sample_rate_hz must be a positive whole number, got {self.sample_rate_hz}"
            )
        # Written so that NaN fails too.
        if not MINIMUM_CLIP_SECONDS <= self.window_seconds < math.inf:
            raise ValueError(
                f"encoder_config: window_seconds must be at least {MINIMUM_CLIP_SECONDS} and finite, "
                f"got {self.window_seconds}"
            )
        for name, names in (("normalization", NORMALIZATIONS), ("network", NETWORKS)):
            if getattr(self, name) not in names:
                raise ValueError(
                    f"encoder_config: {name} must be one of {', '.join(names)}, got {getattr(self, name)}"
                )

    @property
    def window_samples(self) -> int:
        """Length of a window in samples."""
        return round(self.window_seconds * self.sample_rate_hz)

    @property
    def minimum_samples(self) -> int:
        """Length of the shortest clip that is embedded: 0.1 s."""
        return round(MINIMUM_CLIP_SECONDS * self.sample_rate_hz)

    @property
    def network_shape(self) -> NetworkShape:
        """What the network is made for: the image of a whole window, and the embedding."""
        frames = 1 + self.window_samples // self.hop_length
        channels = NORMALIZATIONS[self.normalization].channels
        return NetworkShape(channels, self.n_mels, frames, self.embedding_dim)

    def to_dict(self) -> dict[str, Any]:
        """The values by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderConfig:
        """Takes the values that `to_dict` gave, also those of before `LATER_VALUES` came.

        Raises:
            ValueError: A name is unknown or missing.
        """
        values = {**LATER_VALUES, **values}
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - names):
            raise ValueError(f"encoder_config: unknown values {', '.join(unknown)}")
        if missing := sorted(names - set(values)):
            raise ValueError(f"encoder_config: missing values {', '.join(missing)}")
        return cls(**values)
