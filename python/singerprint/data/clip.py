"""A clip as every embedder takes it: a file or samples in, finite samples at one rate out."""

from __future__ import annotations

import math
import os
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from singerprint.data.audio import AudioError, read_audio

Clip: TypeAlias = str | os.PathLike[str] | npt.NDArray[np.floating[Any]] | Tensor


def as_clip(
    clip: Clip,
    clip_rate_hz: int | None,
    sample_rate_hz: int,
    minimum_samples: int,
) -> Tensor:
    """Reads or checks one clip and resamples it as `frontend.resample` does.

    Args:
        clip: Path of an audio file, or ``(samples,)`` floating point samples on any device.
        clip_rate_hz: Of the samples, a whole number above 0; None is `sample_rate_hz`, and the only value for
            a file.
        sample_rate_hz: Of the result.
        minimum_samples: Of the result.

    Returns:
        ``(samples,)`` float32 on the CPU, finite.

    Raises:
        AudioError: The file cannot be read or is too short; the sentence names it.
        ValueError: The samples are not one clip, too short or not finite, or the rate is out of range.
        TypeError: The samples are not floating point.

    Example:
        >>> as_clip(np.zeros(8000), 8000, sample_rate_hz=16000, minimum_samples=1).shape
        torch.Size([16000])
    """
    if clip_rate_hz is not None and not 0 < clip_rate_hz < math.inf:
        raise ValueError(f"embed: sample_rate_hz must be positive and finite, got {clip_rate_hz}")
    if isinstance(clip, str | os.PathLike):
        if clip_rate_hz is not None:
            raise ValueError(f"embed: sample_rate_hz must be None for a file, got {clip_rate_hz}")
        samples = read_audio(clip, sample_rate_hz=sample_rate_hz)
    else:
        samples = _checked(_as_array(clip))
        if clip_rate_hz is not None and clip_rate_hz != sample_rate_hz:
            samples = _resampled(samples, clip_rate_hz, sample_rate_hz)
    if len(samples) < minimum_samples:
        sentence = (
            f"embed: clip must last at least {minimum_samples / sample_rate_hz:g} s, "
            f"got {len(samples) / sample_rate_hz:g} s"
        )
        if isinstance(clip, str | os.PathLike):
            raise AudioError(f"{sentence} in {os.fspath(clip)}")
        raise ValueError(sentence)
    # A copy: the caller's array may be read-only, or change later.
    return torch.from_numpy(np.array(samples, dtype=np.float32))


def _resampled(
    samples: npt.NDArray[np.float32], clip_rate_hz: float, sample_rate_hz: int
) -> npt.NDArray[np.float32]:
    if clip_rate_hz != int(clip_rate_hz):
        raise ValueError(f"embed: sample_rate_hz must be a whole number, got {clip_rate_hz}")
    if not sample_rate_hz / 256 <= clip_rate_hz <= sample_rate_hz * 256:
        raise ValueError(
            f"embed: sample_rate_hz must be within a factor of 256 of {sample_rate_hz}, got {clip_rate_hz:g}"
        )
    # A copy: PyTorch takes no read-only or reversed array.
    waveforms = torch.from_numpy(samples.copy())[None]
    result: Tensor = torch.ops.singerprint.resample(waveforms, int(clip_rate_hz), sample_rate_hz)
    return result[0].numpy()


def _as_array(clip: npt.NDArray[np.floating[Any]] | Tensor) -> npt.NDArray[Any]:
    if not isinstance(clip, Tensor):
        return np.asarray(clip)
    clip = clip.detach().cpu()
    # NumPy has no bfloat16, which float32 holds exactly.
    return (clip.float() if clip.dtype == torch.bfloat16 else clip).numpy()


def _checked(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if samples.ndim != 1:
        raise ValueError(f"embed: clip must have shape (samples,), got {list(samples.shape)}")
    if not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(f"embed: clip must have a floating point dtype, got {samples.dtype}")
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite and is named below
        rounded = samples.astype(np.float32, copy=False)
    if not np.isfinite(rounded).all():
        first = int(np.flatnonzero(~np.isfinite(rounded))[0])
        raise ValueError(f"embed: clip must be finite in float32, got {samples[first]} at sample {first}")
    return rounded
