"""Shift: moves each waveform in time, round about its end."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import check_sample_rate, per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform


def shift(waveforms: Tensor, shift_samples: Tensor | int, fade_samples: int = 0) -> Tensor:
    """Moves each waveform: ``y[b, n] = x[b, (n - shift_samples[b]) mod samples]``, with a fade at the seam.

    The seam is where the first sample has gone. Before it the waveform fades out and after it in, over
    ``fade_samples`` each (fewer where the waveform ends), and keeps its power within 1.1 %. A shift by
    nothing, or by whole waveforms, has no seam and changes no bit.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        shift_samples: ``(batch,)`` int64 or one number, any; positive is later.
        fade_samples: at least 0.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, or the fade is negative.
        TypeError: a dtype is not float32 (waveforms) or int64.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.augment.shift(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([1]))
        tensor([[3., 1., 2.]])

    Source:
        audiomentations 0.43.1, ``Shift(rollover=True)``; the fade: Signalsmith Audio, "A cheap
        energy-preserving-ish crossfade", 2021.
    """
    shift_samples = per_clip("shift", "shift_samples", shift_samples, waveforms, torch.int64)
    result: Tensor = torch.ops.singerprint.shift(waveforms, shift_samples, fade_samples)
    return result


class RandomShift(RandomTransform):
    """Moves each waveform by a random part of itself: ``U[min_shift_ratio, max_shift_ratio)``, or 0.

    The ranges of audiomentations 0.43.1.

    Args:
        sample_rate_hz: of the waveforms.
        min_shift_ratio: the least shift as a part of the waveform, in [-1, 1].
        max_shift_ratio: the largest.
        fade_seconds: of the fade on either side of the seam, at least 0.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomShift(44100, 0.5, 0.5, probability=1.0).draw(key, 100)
        {'shift_samples': tensor([50])}
    """

    op_id = 10
    draws = 1

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        min_shift_ratio: float = -0.5,
        max_shift_ratio: float = 0.5,
        fade_seconds: float = 0.005,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        check_sample_rate("RandomShift", sample_rate_hz)
        self.require_range("shift_ratio", min_shift_ratio, max_shift_ratio)
        self.require(min_shift_ratio >= -1, "min_shift_ratio must be at least -1", min_shift_ratio)
        self.require(max_shift_ratio <= 1, "max_shift_ratio must be at most 1", max_shift_ratio)
        self.require(0 <= fade_seconds < float("inf"), "fade_seconds must not be negative", fade_seconds)
        self.sample_rate_hz = sample_rate_hz
        self.min_shift_ratio = min_shift_ratio
        self.max_shift_ratio = max_shift_ratio
        self.fade_seconds = fade_seconds

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``shift_samples`` ``(batch,)`` int64."""
        ratio = self.min_shift_ratio + uniform[0] * (self.max_shift_ratio - self.min_shift_ratio)
        return {"shift_samples": torch.where(chosen, (ratio * samples).round().long(), 0)}

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall:
        """:func:`shift`."""
        fade_samples = int(self.sample_rate_hz * self.fade_seconds)
        return NativeCall("shift", (parameters["shift_samples"], fade_samples))
