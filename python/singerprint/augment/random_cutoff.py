"""What the random low-pass and high-pass share: one cutoff a clip, uniform in mel."""

from typing import ClassVar

import torch
from torch import Tensor

from singerprint.augment.argument_check import check_order, check_sample_rate
from singerprint.augment.random_transform import Parameters, RandomTransform
from singerprint.augment.uniform_mel import uniform_mel


class RandomCutoff(RandomTransform):
    """A filter of random cutoff; a clip that is not augmented has ``open_hz``, which changes no bit.

    Args:
        sample_rate_hz: of the waveforms.
        min_cutoff_hz: the least cutoff, positive.
        max_cutoff_hz: the largest.
        order: even, at least 2: 6 dB per octave each.
        probability: in [0, 1], that a clip is augmented.
    """

    draws = 1
    open_hz: ClassVar[float]

    def __init__(
        self,
        sample_rate_hz: float,
        min_cutoff_hz: float,
        max_cutoff_hz: float,
        order: int,
        probability: float,
    ) -> None:
        super().__init__(probability)
        check_sample_rate(type(self).__name__, sample_rate_hz)
        check_order(type(self).__name__, order)
        self.require_range("cutoff_hz", min_cutoff_hz, max_cutoff_hz)
        self.require(min_cutoff_hz > 0, "min_cutoff_hz must be positive", min_cutoff_hz)
        self.sample_rate_hz = sample_rate_hz
        self.min_cutoff_hz = min_cutoff_hz
        self.max_cutoff_hz = max_cutoff_hz
        self.order = order

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``cutoff_hz`` ``(batch,)`` float32."""
        cutoff_hz = uniform_mel(uniform[0], self.min_cutoff_hz, self.max_cutoff_hz)
        return {"cutoff_hz": torch.where(chosen, cutoff_hz, self.open_hz)}
