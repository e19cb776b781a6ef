"""Pitch: the fundamental frequency of singing, frame by frame."""

from typing import NamedTuple

import torch
from torch import Tensor


class Pitch(NamedTuple):
    """The pitch of a batch of waveforms.

    Attributes:
        f0_hz: ``(batch, frames)`` float32, the fundamental frequency, 0 where unvoiced.
        voiced: ``(batch, frames)`` bool.
    """

    f0_hz: Tensor
    voiced: Tensor


def pitch(
    waveforms: Tensor,
    sample_rate_hz: float = 44100,
    hop_length: int = 512,
    min_hz: float = 60.0,
    max_hz: float = 1500.0,
) -> Pitch:
    """Tracks the fundamental frequency of each waveform.

    Frames lie on the samples ``0, hop_length, 2 * hop_length, ...``, as those of :func:`log_mel`. The
    autocorrelation of three periods of ``min_hz`` gives the candidates of a frame, and the best path through
    the candidates of the clip its pitch. What is not finite counts as silence.

    Args:
        waveforms: ``(batch, samples)`` float32, one voice each, any level and length.
        sample_rate_hz: of the waveforms, in [8000, 192000].
        hop_length: samples from frame to frame, at least 1.
        min_hz: the lowest pitch looked for, at least 30.
        max_hz: the highest, above ``min_hz``, at most 3000.

    Returns:
        The pitch, ``frames = 1 + samples // hop_length``. No gradient flows through it.

    Raises:
        ValueError: a shape or a number does not fit.
        TypeError: the waveforms are not float32.

    Example:
        >>> import math, torch, singerprint as sp
        >>> tone = torch.sin(2 * math.pi * 220 / 44100 * torch.arange(44100))
        >>> round(sp.frontend.pitch(tone[None]).f0_hz[0, 40].item())
        220

    Source:
        Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio
        of a sampled sound", Proc. Institute of Phonetic Sciences Amsterdam 17 (1993), 97-110.
    """
    f0_hz: Tensor = torch.ops.singerprint.pitch(waveforms, sample_rate_hz, hop_length, min_hz, max_hz)
    return Pitch(f0_hz, f0_hz > 0)
