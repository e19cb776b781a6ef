"""Log-mel spectrogram: natural logarithm of the power in mel filters, frame by frame."""

from typing import Literal

import torch
from torch import Tensor, nn

MelScale = Literal["slaney", "htk"]
MelNorm = Literal["slaney", "none"]


def log_mel(
    waveforms: Tensor,
    sample_rate_hz: float = 44100,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 80,
    fmin_hz: float = 0.0,
    fmax_hz: float | None = None,
    mel_scale: MelScale = "slaney",
    mel_norm: MelNorm = "slaney",
    log_offset: float = 1e-8,
) -> Tensor:
    """Gives the log-mel spectrogram of each waveform.

    ``y[b, m, t] = ln(sum_k weight[m, k] * |STFT(waveforms)[b, k, t]| ** 2 + log_offset)``, frames centred on
    the samples ``0, hop_length, 2 * hop_length, ...``, the waveform mirrored at both ends, a periodic Hann
    window of ``n_fft`` samples, and the triangular filters of ``librosa.filters.mel``.

    Each clip's result depends on that clip alone: neither on its batch mates nor on the number of threads.
    In float32 a bin carries round-off of about 1e-7 of the frame's loudest bin; NaN and infinity spoil the
    frames that contain them. Powers of two from 256 on are fast, and three times those; any even ``n_fft`` is
    right (on CUDA: powers of two).

    Args:
        waveforms: ``(batch, samples)`` float32, any level, more than ``n_fft / 2`` samples.
        sample_rate_hz: sample rate in Hz, above 0.
        n_fft: samples of a frame, even, in [16, 8192].
        hop_length: samples from frame to frame, at least 1.
        n_mels: number of filters; each must contain an FFT bin.
        fmin_hz: lower edge of the lowest filter in Hz, in [0, fmax_hz).
        fmax_hz: upper edge of the highest filter in Hz, at most (and by default) ``sample_rate_hz / 2``.
        mel_scale: ``"slaney"`` (linear below 1 kHz) or ``"htk"``.
        mel_norm: ``"slaney"`` (filters of equal area) or ``"none"`` (filters of height 1).
        log_offset: added to the power before the logarithm, at least 0; with 0, silence gives ``-inf``.

    Returns:
        ``(batch, mels, frames)`` float32 on the same device, ``frames = 1 + samples // hop_length``.

    Raises:
        ValueError: a shape or an option does not fit.
        TypeError: the waveforms are not float32.
        NotImplementedError: ``n_fft`` is not a power of two on CUDA, or the build has no CUDA kernels.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.frontend.log_mel(torch.zeros(2, 44100)).shape
        torch.Size([2, 80, 87])

    Source: M. Slaney, "Auditory Toolbox", 1998; S. Young et al., "The HTK Book", 5.4.
    """
    result: Tensor = torch.ops.singerprint.log_mel(
        waveforms,
        sample_rate_hz,
        n_fft,
        hop_length,
        n_mels,
        fmin_hz,
        sample_rate_hz / 2 if fmax_hz is None else fmax_hz,
        mel_scale,
        mel_norm,
        log_offset,
    )
    return result


class LogMel(nn.Module):
    """The log-mel spectrogram as a module: :func:`log_mel` with its options fixed.

    Args:
        sample_rate_hz: as in :func:`log_mel`, and so are the other options.
        n_fft: samples of a frame.
        hop_length: samples from frame to frame.
        n_mels: number of filters.
        fmin_hz: lower edge of the lowest filter in Hz.
        fmax_hz: upper edge of the highest filter in Hz; ``None`` is ``sample_rate_hz / 2``.
        mel_scale: ``"slaney"`` or ``"htk"``.
        mel_norm: ``"slaney"`` or ``"none"``.
        log_offset: added to the power before the logarithm.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.frontend.LogMel(n_mels=128)(torch.zeros(2, 44100)).shape
        torch.Size([2, 128, 87])
    """

    def __init__(
        self,
        sample_rate_hz: float = 44100,
        n_fft: int = 2048,
        hop_length: int = 512,
        n_mels: int = 80,
        fmin_hz: float = 0.0,
        fmax_hz: float | None = None,
        mel_scale: MelScale = "slaney",
        mel_norm: MelNorm = "slaney",
        log_offset: float = 1e-8,
    ) -> None:
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin_hz = fmin_hz
        self.fmax_hz = fmax_hz
        self.mel_scale: MelScale = mel_scale
        self.mel_norm: MelNorm = mel_norm
        self.log_offset = log_offset

    def forward(self, waveforms: Tensor) -> Tensor:
        """Gives ``(batch, mels, frames)`` of ``(batch, samples)``; see :func:`log_mel`."""
        return log_mel(
            waveforms,
            self.sample_rate_hz,
            self.n_fft,
            self.hop_length,
            self.n_mels,
            self.fmin_hz,
            self.fmax_hz,
            self.mel_scale,
            self.mel_norm,
            self.log_offset,
        )

    def extra_repr(self) -> str:
        """Gives the options for ``print``."""
        return (
            f"sample_rate_hz={self.sample_rate_hz}, n_fft={self.n_fft}, hop_length={self.hop_length}, "
            f"n_mels={self.n_mels}, fmin_hz={self.fmin_hz}, fmax_hz={self.fmax_hz}, "
            f"mel_scale={self.mel_scale!r}, mel_norm={self.mel_norm!r}, log_offset={self.log_offset}"
        )
