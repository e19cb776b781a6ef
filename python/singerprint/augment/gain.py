"""Gain: changes the level of each waveform by its own number of decibels."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform, uniform_between


def gain(waveforms: Tensor, gain_db: Tensor | float) -> Tensor:
    """Changes the level of each waveform: ``y[b, n] = 10 ** (gain_db[b] / 20) * x[b, n]``.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        gain_db: ``(batch,)`` float32 or one number, decibels.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit.
        TypeError: a dtype is not float32, or `gain_db` is neither a tensor nor a number.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.augment.gain(torch.ones(1, 2), -20)
        tensor([[0.1000, 0.1000]])
    """
    gain_db = per_clip("gain", "gain_db", gain_db, waveforms)
    result: Tensor = torch.ops.singerprint.gain(waveforms, gain_db)
    return result


class RandomGain(RandomTransform):
    """Changes the level by a random number of decibels: ``gain_db ~ U[min_gain_db, max_gain_db)``, or 0.

    Args:
        min_gain_db: the least gain, decibels.
        max_gain_db: the largest gain, decibels.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: the range is empty or not finite, or the probability lies outside [0, 1].

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomGain(-6, -6, probability=1.0)(torch.ones(1, 2), key)
        tensor([[0.5012, 0.5012]])
    """

    op_id = 1
    draws = 1

    def __init__(self, min_gain_db: float = -6.0, max_gain_db: float = 0.0, probability: float = 0.5) -> None:
        super().__init__(probability)
        self.require_range("gain_db", min_gain_db, max_gain_db)
        self.min_gain_db = min_gain_db
        self.max_gain_db = max_gain_db

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``gain_db`` ``(batch,)`` float32."""
        gain_db = uniform_between(uniform[0], self.min_gain_db, self.max_gain_db)
        return {"gain_db": torch.where(chosen, gain_db, 0.0)}

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall:
        """:func:`gain`."""
        return NativeCall("gain", (parameters["gain_db"],))
