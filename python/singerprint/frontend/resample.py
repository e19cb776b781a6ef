"""Resampling: waveforms at another sample rate, by a windowed sinc."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def resample(waveforms: Tensor, from_hz: float, to_hz: float) -> Tensor:
    """Gives each waveform at another sample rate.

    ``y[b, m] = low / from_hz * sum_n x[b, n] * g(low * (m / to_hz - n / from_hz))`` with ``low`` the slower
    rate and ``g`` a sinc under a Kaiser window of 186 samples of the slower rate to either side. No delay:
    output ``m`` lies at input time ``m * from_hz / to_hz``. Beyond its ends the waveform is silence.

    Quality, of half the slower rate: flat within 0.00001 dB up to 0.95, and from 1.0 on 140 dB down, aliases
    and images alike. float64 reaches that; in float32 round-off leaves an error of 2.5e-7 or less (-132 dB,
    rms) of the level around a sample.

    Any two rates will do. The sum over the filter is exact for ratios of up to some hundred samples a period
    (44,100 : 48,000 is 147 : 160); for others (44,100 : 44,056) its weights are interpolated from a table of
    fixed size, to -148 dB. float32 is fast on the CPU where the prime factors of the ratio are 2, 3, 5 and 7,
    as those of the usual rates are.

    Each clip's result depends on that clip alone: neither on its batch mates nor on the number of threads. An
    infinite sample or NaN spoils the outputs that the filter reaches from it, those within
    ``186 * max(1, to_hz / from_hz) + 1`` samples, and no other. Equal rates return the samples as they are.

    Args:
        waveforms: ``(batch, samples)`` float32 or float64, any level, any number of samples.
        from_hz: sample rate of `waveforms`, a whole number of Hz in [1, 16777216].
        to_hz: sample rate wanted, likewise; within a factor of 256 of `from_hz`.

    Returns:
        ``(batch, ceil(samples * to_hz / from_hz))`` in the dtype and on the device of `waveforms`.
        Differentiable any number of times.

    Raises:
        ValueError: the shape or a rate does not fit.
        TypeError: the waveforms are neither float32 nor float64.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.frontend.resample(torch.zeros(2, 44100), 44100, 16000).shape
        torch.Size([2, 16000])

    Source:
        J. O. Smith, "Digital Audio Resampling", https://ccrma.stanford.edu/~jos/resample/; the window's
        parameters: J. F. Kaiser and R. W. Schafer, "On the use of the I0-sinh window for spectrum analysis",
        1980.
    """
    rates_hz = _whole_hz("from_hz", from_hz), _whole_hz("to_hz", to_hz)
    result: Tensor = torch.ops.singerprint.resample(waveforms, *rates_hz)
    return result


class Resample(nn.Module):
    """Resampling as a module: :func:`resample` with its rates fixed.

    Args:
        from_hz: as in :func:`resample`.
        to_hz: as in :func:`resample`.

    Raises:
        ValueError: a rate is out of range.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.frontend.Resample(16000, 44100)(torch.zeros(2, 16000)).shape
        torch.Size([2, 44100])
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        super().__init__()
        self.from_hz, self.to_hz = _whole_hz("from_hz", from_hz), _whole_hz("to_hz", to_hz)
        _cell(self.from_hz, self.to_hz)  # names bad rates here, not at the first call

    def forward(self, waveforms: Tensor) -> Tensor:
        """Resamples ``(batch, samples)``; see :func:`resample`."""
        return resample(waveforms, self.from_hz, self.to_hz)

    def extra_repr(self) -> str:
        """Gives the rates for ``print``."""
        return f"from_hz={self.from_hz}, to_hz={self.to_hz}"


class ResampleStream:
    """Resamples what comes in pieces: joined, they are bit for bit :func:`resample` of the whole.

    Samples come out in cells of fixed size, once the filter and the transform have what they need: for the
    usual rates 0.1 to 0.3 s of sound late.

    Args:
        from_hz: as in :func:`resample`.
        to_hz: as in :func:`resample`.

    Raises:
        ValueError: a rate is out of range.

    Example:
        >>> import torch, singerprint as sp
        >>> stream = sp.frontend.ResampleStream(44100, 16000)
        >>> parts = [stream.push(block) for block in torch.zeros(1, 44100).split(1000, dim=1)]
        >>> torch.cat([*parts, stream.flush()], dim=1).shape
        torch.Size([1, 16000])
    """

    def __init__(self, from_hz: float, to_hz: float) -> None:
        self.from_hz, self.to_hz = _whole_hz("from_hz", from_hz), _whole_hz("to_hz", to_hz)
        self._cell_inputs, self._cell_outputs, self._ahead = _cell(self.from_hz, self.to_hz)
        self._kept: Tensor | None = None  # what later cells still need, from the beginning of a cell on
        self._cells_out = 0  # cells that begin in `_kept` and have come out

    def push(self, block: Tensor) -> Tensor:
        """Takes the next samples and gives what has become ready.

        Args:
            block: ``(channels, samples)`` float32 or float64, any number of samples; shape and dtype of the
                first push bind those after it.

        Returns:
            ``(channels, outputs)``, outputs 0 or more.

        Raises:
            ValueError: the shape or the device does not fit.
            TypeError: the dtype does not fit.
        """
        kept = block if self._kept is None else self._joined(self._kept, block)
        cells = max(0, kept.shape[-1] - self._ahead) // self._cell_inputs
        # Called for nothing too, with no samples: it is the op that checks the block.
        needed = cells * self._cell_inputs + self._ahead if cells > self._cells_out else 0
        result = resample(kept[:, :needed] if kept.dim() == 2 else kept, self.from_hz, self.to_hz)
        result = result[:, self._cells_out * self._cell_outputs : cells * self._cell_outputs]
        # One cell that has come out stays: the next one's filter reaches back into it.
        dropped = max(0, cells - 1)
        self._kept = kept[:, dropped * self._cell_inputs :].clone()
        self._cells_out = cells - dropped
        return result

    def flush(self) -> Tensor:
        """Gives the rest, as if silence followed; the next push begins another waveform.

        Returns:
            ``(channels, outputs)``; ``(0, 0)`` if nothing was pushed.
        """
        if self._kept is None:
            return torch.empty(0, 0)
        result = resample(self._kept, self.from_hz, self.to_hz)[:, self._cells_out * self._cell_outputs :]
        self._kept, self._cells_out = None, 0
        return result

    @staticmethod
    def _joined(kept: Tensor, block: Tensor) -> Tensor:
        channels = kept.shape[0]
        if block.dim() != 2 or block.shape[0] != channels:
            rule = f"block must have shape (channels, samples) with channels = {channels}"
            raise ValueError(f"ResampleStream: {rule}, got {list(block.shape)}")
        if block.dtype != kept.dtype:
            raise TypeError(f"ResampleStream: block must have dtype {kept.dtype}, got {block.dtype}")
        if block.device != kept.device:
            raise ValueError(f"ResampleStream: block must be on the device {kept.device}, got {block.device}")
        return torch.cat([kept, block], dim=1)


def _whole_hz(argument: str, rate_hz: float) -> int:
    """A rate as the op takes it, which checks the range; 44100.0 is as good as 44100."""
    if not (abs(rate_hz) < 2**53 and rate_hz == int(rate_hz)):  # NaN is not below anything
        raise ValueError(f"resample: {argument} must be a whole number in [1, 16777216], got {rate_hz}")
    return int(rate_hz)


def _cell(from_hz: int, to_hz: int) -> tuple[int, int, int]:
    inputs, outputs, ahead = torch.ops.singerprint.resample_cell(from_hz, to_hz)
    return inputs, outputs, ahead


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Tensor, int, int],
    output: Tensor,
) -> None:
    waveforms, ctx.from_hz, ctx.to_hz = inputs
    ctx.samples = waveforms.shape[1]


def _backward(
    ctx: Any,  # noqa: ANN401
    grad: Tensor,
) -> tuple[Tensor, None, None]:
    result: Tensor = torch.ops.singerprint.resample_backward(grad, ctx.from_hz, ctx.to_hz, ctx.samples)
    return result, None, None


def _setup_transposed_context(
    ctx: Any,  # noqa: ANN401
    inputs: tuple[Tensor, int, int, int],
    output: Tensor,
) -> None:
    _, ctx.from_hz, ctx.to_hz, _ = inputs


def _transposed_backward(
    ctx: Any,  # noqa: ANN401
    grad: Tensor,
) -> tuple[Tensor, None, None, None]:
    """The transpose of the transpose is the resampling itself."""
    result: Tensor = torch.ops.singerprint.resample(grad, ctx.from_hz, ctx.to_hz)
    return result, None, None, None


torch.library.register_autograd("singerprint::resample", _backward, setup_context=_setup_context)
torch.library.register_autograd(
    "singerprint::resample_backward", _transposed_backward, setup_context=_setup_transposed_context
)
