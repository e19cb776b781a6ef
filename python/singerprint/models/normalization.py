"""How a log-mel becomes the image that a network sees: ``(batch, mels, frames)`` to channels of it.

    standardize:    (x - mean(x)) / sqrt(var(x) + 1e-5)                    # of each clip, 1 channel
    raw:            x                                                      # as it is, 1 channel
    clip_maximum:   (x / max(x) - imagenet_mean[c]) / imagenet_std[c]      # of each clip, 3 channels
    batch_maximum:  the same with max(x) of the whole batch                # the published forward

`raw` is what Desblancs et al. 2024 train with: the level of a clip is part of its image, unless the clip is
brought to a peak of 1 before.

The last two are those of the released models, whose network began as one for photographs: the log-mel stands
for red, green and blue. `batch_maximum` lets an embedding depend on who else is in the batch, and is here to
reproduce figures only; on a batch of one clip both are the same, which is why `clip_maximum` is the default.

Either divides by the maximum whatever its sign, since that is what the weights were trained with: where no
mel band reaches power 1 (a voice that peaks some 25 to 35 dB below full scale, or lower), the maximum is
negative and the image is upside down. On a CPU a warning says so; on CUDA a look at the maximum would wait
for the device. A maximum of exactly 0 gives infinity or NaN.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from singerprint.frontend import standardize

# Mean and deviation of ImageNet's red, green and blue, as torchvision's and timm's networks expect them.
IMAGENET = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))


class Normalization(NamedTuple):
    """A function from log-mels ``(batch, mels, frames)`` to ``(batch, channels, mels, frames)``."""

    channels: int
    images: Callable[[Tensor], Tensor]


def standardized(spectrograms: Tensor) -> Tensor:
    """Mean 0 and variance 1 for each clip: ``(batch, 1, mels, frames)``; see `frontend.standardize`."""
    return standardize(spectrograms).unsqueeze(1)


def raw(spectrograms: Tensor) -> Tensor:
    """Each clip as it is: ``(batch, 1, mels, frames)``."""
    return spectrograms.unsqueeze(1)


def clip_maximum(spectrograms: Tensor) -> Tensor:
    """Divides each clip by its own maximum, then as ImageNet: ``(batch, 3, mels, frames)``."""
    maxima = spectrograms.amax(dim=(1, 2), keepdim=True)
    _warn_of_negative(maxima, "clip_maximum")
    return _imagenet(spectrograms / maxima)


def batch_maximum(spectrograms: Tensor) -> Tensor:
    """Divides all clips by their common maximum, then as ImageNet: ``(batch, 3, mels, frames)``.

    Raises:
        ValueError: There is no clip.
    """
    if len(spectrograms) == 0:
        raise ValueError(
            f"batch_maximum: spectrograms must hold at least one clip, got {list(spectrograms.shape)}"
        )
    maximum = spectrograms.max()
    _warn_of_negative(maximum, "batch_maximum")
    return _imagenet(spectrograms / maximum)


def at_full_scale(waveforms: Tensor) -> Tensor:
    """Divides each clip by its largest absolute sample, by 1e-8 if that is smaller: silence stays silence."""
    if not waveforms.is_floating_point() or waveforms.numel() == 0:
        return waveforms  # log_mel will say what is wrong
    peaks: Tensor = torch.linalg.vector_norm(waveforms, math.inf, dim=-1, keepdim=True)
    return waveforms / peaks.clamp(min=1e-8)


def _warn_of_negative(maxima: Tensor, operation: str) -> None:
    is_seen = maxima.device.type == "cpu" and not torch.compiler.is_compiling()
    if is_seen and bool((maxima < 0).any()):
        message = (
            "a clip is so quiet, some 25 to 35 dB below full scale or more, that its image is upside down"
        )
        warnings.warn(f"{operation}: {message}; raise its level first", stacklevel=3)


def _imagenet(images: Tensor) -> Tensor:
    # Python's numbers, not tensors of them: those would have to be copied to the device at every call.
    return torch.stack([(images - mean) / std for mean, std in IMAGENET], dim=1)


NORMALIZATIONS: Mapping[str, Normalization] = {
    "standardize": Normalization(1, standardized),
    "raw": Normalization(1, raw),
    "clip_maximum": Normalization(3, clip_maximum),
    "batch_maximum": Normalization(3, batch_maximum),
}
