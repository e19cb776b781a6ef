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

MINIMAL_OFFSET = 1e-15  # sums divided by it stay within float32


class PortableLogMel(nn.Module):
    """`LogMel` for export: the same function, without an operator of this package, in float32.

    It takes what `LogMel` takes and checks nothing of it at run time: on samples that are not finite or too
    few it gives what the operators give.

    Args:
        options: as in :func:`log_mel`.
        named: likewise.

    Raises:
        ValueError: an option does not fit, or `log_offset` is above 0 and below 1e-15.
        TypeError: an option is none of :func:`log_mel`'s.

    Example:
        >>> import torch, singerprint as sp
        >>> waveforms = torch.randn(2, 44100)
        >>> portable = sp.frontend.PortableLogMel(n_mels=128)(waveforms)
        >>> torch.allclose(portable, sp.frontend.LogMel(n_mels=128)(waveforms), atol=1e-3)
        True

    Source: J. Cooley and J. Tukey, "An algorithm for the machine calculation of complex Fourier series",
    1965.
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
        n_fft, offset = self.options["n_fft"], self.options["log_offset"]
        if 0 < offset < MINIMAL_OFFSET:
            raise ValueError(
                f"PortableLogMel: log_offset must be 0 or at least {MINIMAL_OFFSET}, got {offset}"
            )
        # ln(sum + offset) = ln(sum / offset + 1) + ln(offset): PyTorch's ONNX exporter (onnxscript 0.7.2)
        # takes numbers up to 1e-8 for 0 and leaves their addition out.
        self.unit = offset if offset > 0 and self.options["log"] != "none" else 1.0
        self.n1 = min(size for size in range(1, n_fft + 1) if n_fft % size == 0 and size * size >= n_fft)
        self.n2 = n_fft // self.n1
        self.rows = self.n1 // 2 + 1  # p
        inner, outer = _turns(self.rows, self.n1, self.n1), _turns(self.n2, self.n2, self.n2)
        twiddle = _turns(self.rows, self.n2, n_fft)
        tables = {
            "window": window,
            "first": torch.stack([inner.real, inner.imag]),  # (2, rows, n1)
            "turns": torch.stack([twiddle.real, twiddle.imag]),  # (2, rows, n2)
            # Of real parts above imaginary ones.
            "second": torch.cat(
                [torch.cat([outer.real, -outer.imag], dim=1), torch.cat([outer.imag, outer.real], dim=1)]
            ),  # (2 n2, 2 n2)
            "filters": self._filters_by_place(filters / self.unit),  # (n2 rows, mels)
        }
        for name, table in tables.items():
            self.register_buffer(name, table.float(), persistent=False)

    def _filters_by_place(self, filters: Tensor) -> Tensor:
        # (mels, bins) to what multiplies |X[p + n1 q]| at row q rows + p.
        bins = torch.arange(filters.shape[1])
        bins = torch.where(bins % self.n1 < self.rows, bins, self.options["n_fft"] - bins)
        placed = filters.new_zeros(self.n2 * self.rows, filters.shape[0])
        placed[bins // self.n1 * self.rows + bins % self.n1] = filters.T
        return placed

    def forward(self, waveforms: Tensor) -> Tensor:
        """Gives ``(batch, mels, frames)`` of ``(batch, samples)`` float32; see :func:`log_mel`."""
        sums = self._bins(self._frames(waveforms)) @ self.filters  # (batch, frames, mels)
        return self._levels(sums).transpose(1, 2)

    def _frames(self, waveforms: Tensor) -> Tensor:
        n_fft, hop_length = self.options["n_fft"], self.options["hop_length"]
        if self.options["centred"]:
            mode = "reflect" if self.options["padding"] == "reflect" else "constant"
            waveforms = nn.functional.pad(
                waveforms.unsqueeze(1), (n_fft // 2, n_fft // 2), mode=mode
            ).squeeze(1)
        return waveforms.unfold(1, n_fft, hop_length) * self.window  # (batch, frames, n_fft)

    def _bins(self, frames: Tensor) -> Tensor:
        # Powers or magnitudes, (batch, frames, n2 rows). Constant matrices stand on the left: on the right,
        # torch.export would have to prove that rows can be divided among the frames again, and cannot.
        batch, count, _ = frames.shape
        placed = frames.view(batch, count, self.n1, self.n2)
        real, imaginary = self.first[0] @ placed, self.first[1] @ placed  # (batch, frames, rows, n2)
        cosine, sine = self.turns
        turned = torch.cat([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=3)
        power = (self.second @ turned.transpose(2, 3)).square()  # (batch, frames, 2 n2, rows)
        power = (power[:, :, : self.n2] + power[:, :, self.n2 :]).flatten(2)
        return power if self.options["power"] == 2 else power.sqrt()

    def _levels(self, sums: Tensor) -> Tensor:
        kind, offset, floor = (self.options[name] for name in ("log", "log_offset", "log_floor"))
        if kind == "none":
            return sums
        if offset > 0:
            sums = sums + 1  # both in units of the offset
        if floor > offset:
            sums = sums.clamp(min=floor / self.unit)
        levels = sums.log() + math.log(self.unit)
        return levels if kind == "ln" else levels * (20 / self.options["power"] / math.log(10))

    def extra_repr(self) -> str:
        """Gives the options for ``print``."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


def _turns(rows: int, columns: int, period: int) -> Tensor:
    # exp(-2 pi i row column / period), (rows, columns); reduced to one turn in whole numbers, which is exact.
    turns = torch.outer(torch.arange(rows), torch.arange(columns)) % period
    return torch.polar(
        torch.ones(rows, columns, dtype=torch.float64), turns.double() * (-2 * math.pi / period)
    )
