"""Time mask: silences one stretch of each waveform."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform, uniform_integer


def time_mask(waveforms: Tensor, start_samples: Tensor | int, length_samples: Tensor | int) -> Tensor:
    """Silences one stretch of each waveform: ``y[b, n] = 0`` in the stretch, else ``x[b, n]``.

    The stretch is ``[start_samples[b], start_samples[b] + length_samples[b])``; what lies beyond the end of
    the waveform masks nothing.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        start_samples: ``(batch,)`` int64 or one number, at least 0. On CUDA a negative number counts as 0 (to
            refuse it would wait for the device).
        length_samples: ``(batch,)`` int64, likewise.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, or, on the CPU, a start or length is negative.
        TypeError: a dtype is not float32 (waveforms) or int64.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.augment.time_mask(torch.ones(1, 4), torch.tensor([1]), torch.tensor([2]))
        tensor([[1., 0., 0., 1.]])
    """
    start, length = (
        per_clip("time_mask", name, value, waveforms, torch.int64)
        for name, value in (("start_samples", start_samples), ("length_samples", length_samples))
    )
    result: Tensor = torch.ops.singerprint.time_mask(waveforms, start, length)
    return result


class RandomTimeMask(RandomTransform):
    """Silences a random stretch of at most a part of the waveform.

    ``length_samples`` is equally likely any of ``0, ..., floor(samples * max_length_ratio)``, or 0, and then
    ``start_samples`` any of those that keep the stretch within the waveform.

    Args:
        max_length_ratio: the longest stretch, as a part of the waveform, in [0, 1].
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: the ratio or the probability lies outside [0, 1].

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> masked = sp.augment.RandomTimeMask(0.5, probability=1.0)(torch.ones(1, 1000), key)
        >>> 0 <= (masked == 0).sum().item() <= 500
        True
    """

    op_id = 3
    draws = 2

    def __init__(self, max_length_ratio: float = 1 / 8, probability: float = 0.5) -> None:
        super().__init__(probability)
        self.require(0.0 <= max_length_ratio <= 1.0, "max_length_ratio must be in [0, 1]", max_length_ratio)
        self.max_length_ratio = max_length_ratio

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``start_samples`` and ``length_samples``, ``(batch,)`` int64."""
        length = uniform_integer(uniform[0], int(samples * self.max_length_ratio) + 1)
        length = torch.where(chosen, length, 0)
        return {"start_samples": uniform_integer(uniform[1], samples - length + 1), "length_samples": length}

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall:
        """:func:`time_mask`."""
        return NativeCall("time_mask", (parameters["start_samples"], parameters["length_samples"]))
