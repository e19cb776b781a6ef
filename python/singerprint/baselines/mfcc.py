"""MfccStatistics: mean and standard deviation of mel-frequency cepstral coefficients over a recording.

    mfcc[k, t] = sum over m of basis[k, m] * log_mel[m, t]              k = 0 .. coefficients - 1
    basis[k, m] = sqrt((2 - [k == 0]) / mels) * cos(pi * k * (2 m + 1) / (2 mels))     orthonormal DCT-II
    embedding = (concat(mean over t, standard deviation over t) - mean) / std          after `fit`

over the frames whose power is within 60 dB of the loudest frame: a pause tells of the room, not of the voice.
Coefficients: Davis & Mermelstein, "Comparison of parametric representations for monosyllabic word
recognition", IEEE TASSP 28(4), 1980. Nothing is learnt but the two vectors of `fit`.
"""

import math
from collections.abc import Iterable

import numpy.typing as npt
import torch
from torch import Tensor

from singerprint.data import Clip, as_clip
from singerprint.frontend import log_mel

_SAMPLE_RATE_HZ = 44100
_MELS = 80
_FFT_SAMPLES = 2048
_QUIETEST_DB = -60.0  # frames below, relative to the loudest of the recording, are left out


def _dct_basis(coefficients: int, mels: int) -> Tensor:
    """Rows of the orthonormal DCT-II, (coefficients, mels) float64."""
    order = torch.arange(coefficients, dtype=torch.float64)[:, None]
    place = torch.arange(mels, dtype=torch.float64)[None, :]
    basis = math.sqrt(2 / mels) * torch.cos(math.pi / (2 * mels) * order * (2 * place + 1))
    basis[0] /= math.sqrt(2)
    return basis


class MfccStatistics:
    """Embeds a recording by mean and standard deviation of its cepstral coefficients.

    Before `fit` an embedding is the bare statistics, whose lowest coefficients outweigh all others; after it
    each number counts in units of its spread among the recordings fitted on.

    Args:
        coefficients: cepstral coefficients, in [1, 80]; an embedding has twice as many numbers.

    Attributes:
        sample_rate_hz: sample rate of waveforms, 44,100.
        dim: length of an embedding.
        mean: (dim,) float64, what is subtracted; zeros before `fit`.
        std: (dim,) float64, what is divided by; ones before `fit`.

    Example:
        >>> import torch
        >>> from singerprint.baselines import MfccStatistics
        >>> MfccStatistics().embed_batch(torch.randn(2, 44100)).shape
        torch.Size([2, 40])
    """

    def __init__(self, coefficients: int = 20) -> None:
        if not 1 <= coefficients <= _MELS:
            raise ValueError(f"MfccStatistics: coefficients must lie in [1, {_MELS}], got {coefficients}")
        self.sample_rate_hz = _SAMPLE_RATE_HZ
        self.dim = 2 * coefficients
        self.mean = torch.zeros(self.dim, dtype=torch.float64)
        self.std = torch.ones(self.dim, dtype=torch.float64)
        self._basis = _dct_basis(coefficients, _MELS)

    def fit(self, clips: Iterable[Clip]) -> "MfccStatistics":
        """Takes mean and spread of each statistic from recordings.

        Args:
            clips: at least two recordings, as `embed` takes them: files, or ``(samples,)`` at 44.1 kHz.

        Returns:
            Itself, with `mean` and `std` set.

        Raises:
            TypeError: samples are not floating point.
            ValueError: a recording cannot be used, there are fewer than two, or they do not differ.

        Example:
            >>> import torch
            >>> from singerprint.baselines import MfccStatistics
            >>> clips = [torch.randn(44100), torch.randn(44100).cumsum(0) / 100, torch.randn(30000)]
            >>> fitted = MfccStatistics().fit(clips)
            >>> bool(torch.stack([fitted.embed(clip) for clip in clips]).mean(dim=0).abs().max() < 1e-4)
            True
        """
        rows = [self._statistics(self._waveform(clip, None)[None])[0] for clip in clips]
        return self.fit_statistics(torch.stack(rows) if rows else torch.empty(0, self.dim))

    def fit_statistics(self, statistics: npt.ArrayLike | Tensor) -> "MfccStatistics":
        """Takes mean and spread from embeddings that an unfitted object gave.

        Args:
            statistics: (files, dim) real numbers, at least two files.

        Returns:
            Itself, with `mean` and `std` set.

        Raises:
            ValueError: the shape does not fit, a number is not finite, or a statistic is the same in all.

        Example:
            >>> import torch
            >>> from singerprint.baselines import MfccStatistics
            >>> raw = MfccStatistics().embed_batch(torch.randn(8, 44100))
            >>> MfccStatistics().fit_statistics(raw).mean.shape
            torch.Size([40])
        """
        rows = torch.as_tensor(statistics).detach().to("cpu", torch.float64)
        if rows.ndim != 2 or rows.shape[1] != self.dim or rows.shape[0] < 2:
            raise ValueError(
                f"fit: statistics must have shape (files, {self.dim}) with at least two files, "
                f"got {tuple(rows.shape)}"
            )
        if not bool(rows.isfinite().all()):
            raise ValueError(f"fit: statistics must be finite, got {rows[~rows.isfinite()][0].item()}")
        std = rows.std(dim=0, correction=0)
        same = (std <= 1e-9 * rows.abs().amax(dim=0)).nonzero().flatten()  # 1e-9: far below float32 round-off
        if same.numel():
            raise ValueError(
                f"fit: recordings must differ in every statistic, got equal ones in {int(same[0])}"
            )
        self.mean, self.std = rows.mean(dim=0), std
        return self

    def embed_batch(self, waveforms: Tensor) -> Tensor:
        """Embeds each waveform.

        Args:
            waveforms: ``(batch, samples)`` float32 at 44.1 kHz, more than 1,024 samples, finite.

        Returns:
            ``(batch, dim)`` float32 on the CPU.

        Raises:
            TypeError: the dtype is not float32.
            ValueError: the shape does not fit, a waveform is too short, or it holds NaN or infinity.

        Example:
            >>> import torch
            >>> from singerprint.baselines import MfccStatistics
            >>> MfccStatistics(13).embed_batch(torch.randn(3, 22050)).dtype
            torch.float32
        """
        return ((self._statistics(waveforms) - self.mean) / self.std).float()

    def embed(self, clip: Clip, sample_rate_hz: int | None = None) -> Tensor:
        """Embeds a recording of any length, as a whole.

        Args:
            clip: path of an audio file, or ``(samples,)`` floating point samples.
            sample_rate_hz: of the samples, above 0; None says 44,100. For a file it is None: the file tells.

        Returns:
            ``(dim,)`` float32 on the CPU.

        Raises:
            TypeError: the samples are not floating point.
            ValueError: the file cannot be read, or the samples are not one clip, too short or not finite.

        Example:
            >>> import torch
            >>> from singerprint.baselines import MfccStatistics
            >>> MfccStatistics().embed(torch.randn(16000), sample_rate_hz=16000).shape
            torch.Size([40])
        """
        return self.embed_batch(self._waveform(clip, sample_rate_hz)[None])[0]

    def _waveform(self, clip: Clip, sample_rate_hz: int | None) -> Tensor:
        """Reads or checks one clip and resamples it: (samples,) float32."""
        return as_clip(clip, sample_rate_hz, self.sample_rate_hz, _FFT_SAMPLES // 2 + 1)

    def _statistics(self, waveforms: Tensor) -> Tensor:
        """Mean and standard deviation over the frames that are loud enough, (batch, dim) float64."""
        spoiled = (~waveforms.isfinite()).nonzero()
        if len(spoiled):
            raise ValueError(
                f"embed_batch: waveforms must be finite, got NaN or infinity in clip {int(spoiled[0, 0])}"
            )
        with torch.no_grad():
            spectrograms = log_mel(
                waveforms,
                sample_rate_hz=self.sample_rate_hz,
                n_fft=_FFT_SAMPLES,
                hop_length=512,
                n_mels=_MELS,
            )  # (batch, mels, frames)
            spectrograms = spectrograms.to("cpu", torch.float64)
            power = spectrograms.exp().sum(dim=1)  # (batch, frames)
            loudest = power.amax(dim=1, keepdim=True)
            kept = (power >= loudest * 10 ** (_QUIETEST_DB / 10)).to(torch.float64)[:, None]
            count = kept.sum(dim=2)  # (batch, 1), at least 1: the loudest frame itself
            mfcc = self._basis @ spectrograms  # (batch, coefficients, frames)
            mean = (mfcc * kept).sum(dim=2) / count
            variance = ((mfcc - mean[..., None]).square() * kept).sum(dim=2) / count
            return torch.cat([mean, variance.sqrt()], dim=1)
