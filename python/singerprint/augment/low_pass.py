"""Low-pass filter: Butterworth, each waveform with its own cutoff."""

import math

from torch import Tensor

from singerprint.augment.argument_check import check_each, check_order, check_sample_rate, numbers_of
from singerprint.augment.biquad_cascade import biquad_cascade
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.filter_design import butterworth_low_pass
from singerprint.augment.random_cutoff import RandomCutoff
from singerprint.augment.random_transform import Parameters


def low_pass(waveforms: Tensor, sample_rate_hz: float, cutoff_hz: Tensor | float, order: int = 2) -> Tensor:
    """Takes away what lies above the cutoff: Butterworth, -3 dB at the cutoff.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        sample_rate_hz: of the waveforms.
        cutoff_hz: ``(batch,)`` floating point or one number, positive; one from half the sample rate on
            changes no bit of its waveform. Checked on the CPU alone.
        order: even, at least 2: 6 dB per octave each.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, the order is odd, or, on the CPU, a cutoff lies outside
            its range.
        TypeError: the waveforms are not float32, or the cutoffs no floating point numbers.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.augment.low_pass(torch.ones(1, 44100), 44100, torch.tensor([1000.0]))[:, -1].round(decimals=4)
        tensor([1.])

    Source:
        Butterworth, "On the theory of filter amplifiers", 1930, by the bilinear transform.
    """
    check_sample_rate("low_pass", sample_rate_hz)
    check_order("low_pass", order)
    cutoff_hz = numbers_of("low_pass", "cutoff_hz", cutoff_hz, waveforms)
    check_each("low_pass", "cutoff_hz", cutoff_hz, cutoff_hz > 0, "be positive")
    return biquad_cascade(waveforms, butterworth_low_pass(sample_rate_hz, cutoff_hz, order))


class RandomLowPass(RandomCutoff):
    """A low-pass of random cutoff, uniform in mel; the ranges of audiomentations 0.43.1.

    A clip that is not augmented has the cutoff inf.

    Args:
        sample_rate_hz: of the waveforms.
        min_cutoff_hz: the least cutoff, positive.
        max_cutoff_hz: the largest.
        order: even, at least 2: 6 dB per octave each.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomLowPass(44100, 300, 300, probability=1.0).draw(key, 100)["cutoff_hz"]
        tensor([300.])
    """

    op_id = 6
    open_hz = math.inf

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        min_cutoff_hz: float = 150.0,
        max_cutoff_hz: float = 7500.0,
        order: int = 2,
        probability: float = 0.5,
    ) -> None:
        super().__init__(sample_rate_hz, min_cutoff_hz, max_cutoff_hz, order, probability)

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`low_pass`."""
        return low_pass(waveforms, self.sample_rate_hz, parameters["cutoff_hz"], self.order)
