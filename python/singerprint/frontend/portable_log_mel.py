"""The log-mel spectrogram by PyTorch's real operators alone: what other runtimes can be given.

    x[i, j]  = window[n2 i + j] frame[n2 i + j],                      0 <= i < n1, 0 <= j < n2, n1 n2 = n_fft
    a[p, j]  = exp(-2 pi i p j / n_fft) sum_i exp(-2 pi i p i / n1) x[i, j],              0 <= p <= n1 / 2
    X[p + n1 q] = sum_j exp(-2 pi i q j / n2) a[p, j],                                        0 <= q < n2

A discrete Fourier transform in two matrix products (Cooley and Tukey 1965), complex numbers as pairs of real
ones. At 2048 samples these are 16 times fewer multiplications than by one matrix of all its bins, and no sum
has more than 64 terms, so that float32 rounds less. Bins beyond p = n1 / 2 are the conjugates of others: the
filters read those.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from singerprint.frontend.log_mel import LogMel


class PortableLogMel(nn.Module):
    """`LogMel` for export: the same function, without an operator of this package, in float32.

    It takes what `LogMel` takes and checks nothing of it at run time: on samples that are not finite or too
    few it gives what the operators give.

    Args:
        options: as in :func:`log_mel`.
        named: likewise.

    Raises:
        ValueError: an option does not fit.
        TypeError: an option is none of :func:`log_mel`'s.

    Example:
        >>> import torch, singerprint as sp
        >>> waveforms = torch.randn(2, 44100)
        >>> portable = sp.frontend.PortableLogMel(n_mels=128)(waveforms)
        >>> torch.allclose(portable, sp.frontend.LogMel(n_mels=128)(waveforms), atol=1e-3)
        True

    Source: J. Cooley and J. Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965.
    """

    window: Tensor
    first: Tensor
    turns: Tensor
    second: Tensor
    filters: Tensor

    def __init__(self, *options: Any, **named: Any) -> None:  # noqa: ANN401 - those of log_mel
        super().__init__()
        log_mel = LogMel(*options, **named)
        self.options = log_mel.options
        window, filters = torch.ops.singerprint.log_mel_tables(*log_mel.arguments)
        n_fft = self.options["n_fft"]
        self.n1 = min(size for size in range(1, n_fft + 1) if n_fft % size == 0 and size * size >= n_fft)
        self.n2 = n_fft // self.n1
        self.rows = self.n1 // 2 + 1  # p
        inner, outer = _turns(self.rows, self.n1, self.n1), _turns(self.n2, self.n2, self.n2)
        twiddle = _turns(self.rows, self.n2, n_fft)
        tables = {
            "window": window,
            "first": torch.cat([inner.real, inner.imag]),  # (2 rows, n1)
            "turns": torch.stack([twiddle.real, twiddle.imag]),  # (2, rows, n2)
            # Of (real, imaginary) parts side by side.
            "second": torch.cat(
                [torch.cat([outer.real, outer.imag], dim=1), torch.cat([-outer.imag, outer.real], dim=1)]
            ),  # (2 n2, 2 n2)
            "filters": self._filters_by_place(filters),  # (rows n2, mels)
        }
        for name, table in tables.items():
            self.register_buffer(name, table.float(), persistent=False)

    def _filters_by_place(self, filters: Tensor) -> Tensor:
        # (mels, bins) to what multiplies |X[p + n1 q]| at row p n2 + q.
        bins = torch.arange(filters.shape[1])
        bins = torch.where(bins % self.n1 < self.rows, bins, self.options["n_fft"] - bins)
        placed = filters.new_zeros(self.rows * self.n2, filters.shape[0])
        placed[bins % self.n1 * self.n2 + bins // self.n1] = filters.T
        return placed

    def forward(self, waveforms: Tensor) -> Tensor:
        """Gives ``(batch, mels, frames)`` of ``(batch, samples)`` float32; see :func:`log_mel`."""
        sums = self._bins(self._frames(waveforms)) @ self.filters  # (batch, frames, mels)
        return self._levels(sums).transpose(1, 2)

    def _frames(self, waveforms: Tensor) -> Tensor:
        n_fft = self.options["n_fft"]
        if self.options["centred"]:
            mode = "reflect" if self.options["padding"] == "reflect" else "constant"
            waveforms = nn.functional.pad(waveforms.unsqueeze(1), (n_fft // 2, n_fft // 2), mode=mode).squeeze(1)
        return waveforms.unfold(1, n_fft, self.options["hop_length"]) * self.window  # (batch, frames, n_fft)

    def _bins(self, frames: Tensor) -> Tensor:
        # Powers or magnitudes, (batch, frames, rows n2).
        inner = self.first @ frames.unflatten(2, (self.n1, self.n2))  # (batch, frames, 2 rows, n2)
        real, imaginary = inner.split(self.rows, dim=2)
        cosine, sine = self.turns
        turned = torch.cat([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=3)
        power = (turned @ self.second).square()
        power = (power[..., : self.n2] + power[..., self.n2 :]).flatten(2)
        return power if self.options["power"] == 2 else power.sqrt()

    def _levels(self, sums: Tensor) -> Tensor:
        kind, power = self.options["log"], self.options["power"]
        if kind == "none":
            return sums
        levels = (sums + self.options["log_offset"]).clamp(min=self.options["log_floor"]).log()
        return levels if kind == "ln" else levels * (20 / power / math.log(10))

    def extra_repr(self) -> str:
        """Gives the options for ``print``."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


def _turns(rows: int, columns: int, period: int) -> Tensor:
    # exp(-2 pi i row column / period), (rows, columns); reduced to one turn in whole numbers, which is exact.
    turns = torch.outer(torch.arange(rows), torch.arange(columns)) % period
    return torch.polar(torch.ones(rows, columns, dtype=torch.float64), turns.double() * (-2 * math.pi / period))
