"""Gain: changes the level of each waveform by its own number of decibels."""

import torch
from torch import Tensor


def gain(waveforms: Tensor, gain_db: Tensor) -> Tensor:
    """Changes the level of each waveform: ``y[b, n] = 10 ** (gain_db[b] / 20) * x[b, n]``.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        gain_db: ``(batch,)`` float32, decibels.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit.
        TypeError: a dtype is not float32.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.augment.gain(torch.ones(1, 2), torch.tensor([-20.0]))
        tensor([[0.1000, 0.1000]])
    """
    result: Tensor = torch.ops.singerprint.gain(waveforms, gain_db)
    return result
