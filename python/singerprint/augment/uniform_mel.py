"""Random frequencies, uniform in mel: as many per octave high up, as many per hertz far down."""

import math

from torch import Tensor


def uniform_mel(uniform: Tensor, low_hz: float, high_hz: float) -> Tensor:
    """[0, 1) float64 -> [low_hz, high_hz) float32, uniform in ``mel = 2595 log10(1 + hz / 700)``."""
    low, high = math.log(700 + low_hz), math.log(700 + high_hz)
    frequency_hz = (low + uniform * (high - low)).exp() - 700
    return frequency_hz.clamp(low_hz, high_hz).float()
