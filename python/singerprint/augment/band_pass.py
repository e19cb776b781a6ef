"""Band-pass filter: Butterworth, each waveform with its own two cutoffs."""

import math

import torch
from torch import Tensor

from singerprint.augment.argument_check import check_each, check_order, check_sample_rate, numbers_of
from singerprint.augment.biquad_cascade import biquad_cascade
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.filter_design import butterworth_band_pass
from singerprint.augment.random_transform import Parameters, RandomTransform, uniform_between
from singerprint.augment.uniform_mel import uniform_mel


def band_pass(
    waveforms: Tensor, sample_rate_hz: float, low_hz: Tensor | float, high_hz: Tensor | float, order: int = 2
) -> Tensor:
    """Takes away what lies outside a band: Butterworth, 0 dB within and -3 dB at both cutoffs.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        sample_rate_hz: of the waveforms.
        low_hz: ``(batch,)`` floating point or one number, positive.
        high_hz: ``(batch,)`` floating point or one number, above ``low_hz``; lowered to 0.4999 times the
            sample rate. A waveform whose ``low_hz`` is 0 and ``high_hz`` at least half the sample rate keeps
            all its bits. Both are checked on the CPU alone.
        order: even, at least 2: 6 dB per octave each, on both sides.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, the order is odd, or, on the CPU, a cutoff lies outside
            its range.
        TypeError: the waveforms are not float32, or the cutoffs no floating point numbers.

    Example:
        >>> import torch, singerprint as sp
        >>> low_hz, high_hz = torch.tensor([300.0]), torch.tensor([3400.0])
        >>> sp.augment.band_pass(torch.ones(1, 44100), 44100, low_hz, high_hz)[:, -1].abs() < 1e-6
        tensor([True])

    Source:
        Butterworth, "On the theory of filter amplifiers", 1930, by the bilinear transform.
    """
    op = "band_pass"
    check_sample_rate(op, sample_rate_hz)
    check_order(op, order)
    low_hz = numbers_of(op, "low_hz", low_hz, waveforms)
    high_hz = numbers_of(op, "high_hz", high_hz, waveforms)
    whole = (low_hz == 0) & (high_hz >= sample_rate_hz / 2)
    highest_hz = 0.4999 * sample_rate_hz
    in_band = (low_hz > 0) & (low_hz < highest_hz)
    check_each(op, "low_hz", low_hz, whole | in_band, f"be in (0, {highest_hz:g})")
    check_each(op, "high_hz", high_hz, high_hz > low_hz, "be above low_hz")
    return biquad_cascade(waveforms, butterworth_band_pass(sample_rate_hz, low_hz, high_hz, order))


class RandomBandPass(RandomTransform):
    """A band-pass of random center and width, as telephones and small loudspeakers have.

    The center is uniform in mel, the width uniform in parts of the center, and the band
    ``center * (1 -+ width / 2)``; the ranges of audiomentations 0.43.1. A clip that is not augmented has the
    band from 0 to inf.

    Args:
        sample_rate_hz: of the waveforms.
        min_center_hz: the least center, positive.
        max_center_hz: the largest, at most half the sample rate.
        min_width_ratio: the least width as a part of the center, positive.
        max_width_ratio: the largest, below 2.
        order: even, at least 2: 6 dB per octave each, on both sides.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomBandPass(44100, 1000, 1000, 1, 1, probability=1.0).draw(key, 100)
        {'low_hz': tensor([500.]), 'high_hz': tensor([1500.])}
    """

    op_id = 8
    draws = 2

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        min_center_hz: float = 200.0,
        max_center_hz: float = 4000.0,
        min_width_ratio: float = 0.5,
        max_width_ratio: float = 1.99,
        order: int = 2,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        check_sample_rate("RandomBandPass", sample_rate_hz)
        check_order("RandomBandPass", order)
        self.require_range("center_hz", min_center_hz, max_center_hz)
        self.require(min_center_hz > 0, "min_center_hz must be positive", min_center_hz)
        self.require(
            max_center_hz <= sample_rate_hz / 2,
            "max_center_hz must be at most sample_rate_hz / 2",
            max_center_hz,
        )
        self.require_range("width_ratio", min_width_ratio, max_width_ratio)
        self.require(min_width_ratio > 0, "min_width_ratio must be positive", min_width_ratio)
        self.require(max_width_ratio < 2, "max_width_ratio must be below 2", max_width_ratio)
        self.sample_rate_hz = sample_rate_hz
        self.min_center_hz = min_center_hz
        self.max_center_hz = max_center_hz
        self.min_width_ratio = min_width_ratio
        self.max_width_ratio = max_width_ratio
        self.order = order

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``low_hz`` and ``high_hz``, ``(batch,)`` float32."""
        center_hz = uniform_mel(uniform[0], self.min_center_hz, self.max_center_hz)
        width_ratio = uniform_between(uniform[1], self.min_width_ratio, self.max_width_ratio)
        return {
            "low_hz": torch.where(chosen, center_hz * (1 - 0.5 * width_ratio), 0.0),
            "high_hz": torch.where(chosen, center_hz * (1 + 0.5 * width_ratio), math.inf),
        }

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`band_pass`."""
        return band_pass(waveforms, self.sample_rate_hz, **parameters, order=self.order)
