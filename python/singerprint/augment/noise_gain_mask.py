"""Noise, gain and time mask in one pass over memory."""

import torch
from torch import Tensor

from singerprint.augment.draw_key import DrawKey


def noise_gain_mask(
    waveforms: Tensor,
    amplitude: Tensor,
    gain_db: Tensor,
    start_samples: Tensor,
    length_samples: Tensor,
    key: DrawKey,
    stream: int = 2,
) -> Tensor:
    """What ``gaussian_noise``, ``gain`` and ``time_mask`` make one after the other, to the same bits.

    ``y[b, n] = 10 ** (gain_db[b] / 20) * (x[b, n] + amplitude[b] * normal[b, n])``, but 0 in the stretch.
    ``Compose`` calls it where the three follow each other.

    Args:
        waveforms: ``(batch, samples)`` float32, any level, at most 2**34 samples.
        amplitude: ``(batch,)`` float32, the standard deviation of the noise.
        gain_db: ``(batch,)`` float32, decibels.
        start_samples: ``(batch,)`` int64, at least 0; see :func:`time_mask`.
        length_samples: ``(batch,)`` int64, likewise.
        key: who draws; see :class:`DrawKey`.
        stream: of the noise, in [0, 2**31).

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a number, a shape or a device does not fit.
        TypeError: an argument is of another dtype.

    Example:
        >>> import torch, singerprint as sp
        >>> silent, level, key = torch.zeros(1), torch.tensor([-20.0]), sp.augment.DrawKey.of(0, [3])
        >>> start, length = torch.tensor([1]), torch.tensor([2])
        >>> sp.augment.noise_gain_mask(torch.ones(1, 4), silent, level, start, length, key)
        tensor([[0.1000, 0.0000, 0.0000, 0.1000]])
    """
    result: Tensor = torch.ops.singerprint.noise_gain_mask(
        waveforms, amplitude, gain_db, start_samples, length_samples, *key, stream
    )
    return result
