"""Draws: the random numbers of a seed for one purpose, Philox4x64-10 keyed by (seed, purpose)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Draws"]


class Draws:
    """A sequence of random numbers; another purpose gives an independent one.

    Args:
        seed: Any integer; taken modulo 2^64.
        purpose: What the numbers are for, >= 0.
    """

    def __init__(self, seed: int, purpose: int) -> None:
        key = np.array([seed % 2**64, purpose], dtype=np.uint64)
        self._generator = np.random.Generator(np.random.Philox(key=key))

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def pick(self, count: int) -> int:
        """One of 0 to count - 1."""
        return int(self._generator.random() * count)

    def normal(self, *shape: int) -> npt.NDArray[np.float64]:
        """Standard normal numbers."""
        return self._generator.standard_normal(shape)
