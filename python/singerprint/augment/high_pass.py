"""High-pass filter: Butterworth, each waveform with its own cutoff."""

from torch import Tensor

from singerprint.augment.argument_check import check_each, check_order, check_sample_rate, numbers_of
from singerprint.augment.biquad_cascade import biquad_cascade
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.filter_design import butterworth_high_pass
from singerprint.augment.random_cutoff import RandomCutoff
from singerprint.augment.random_transform import Parameters


def high_pass(waveforms: Tensor, sample_rate_hz: float, cutoff_hz: Tensor | float, order: int = 2) -> Tensor:
    """Takes away what lies below the cutoff: Butterworth, -3 dB at the cutoff.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        sample_rate_hz: of the waveforms.
        cutoff_hz: ``(batch,)`` floating point or one number, in [0, sample_rate_hz / 2); 0 changes no bit of
            its waveform. Checked on the CPU alone.
        order: even, at least 2: 6 dB per octave each.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, the order is odd, or, on the CPU, a cutoff lies outside
            its range.
        TypeError: the waveforms are not float32, or the cutoffs no floating point numbers.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.augment.high_pass(torch.ones(1, 44100), 44100, torch.tensor([1000.0]))[:, -1].round(decimals=4)
        tensor([0.])

    Source:
        Butterworth, "On the theory of filter amplifiers", 1930, by the bilinear transform.
    """
    check_sample_rate("high_pass", sample_rate_hz)
    check_order("high_pass", order)
    cutoff_hz = numbers_of("high_pass", "cutoff_hz", cutoff_hz, waveforms)
    in_band = (cutoff_hz >= 0) & (cutoff_hz < sample_rate_hz / 2)
    check_each("high_pass", "cutoff_hz", cutoff_hz, in_band, f"be in [0, {sample_rate_hz / 2:g})")
    return biquad_cascade(waveforms, butterworth_high_pass(sample_rate_hz, cutoff_hz, order))


class RandomHighPass(RandomCutoff):
    """A high-pass of random cutoff, uniform in mel; the ranges of audiomentations 0.43.1.

    A clip that is not augmented has the cutoff 0.0.

    Args:
        sample_rate_hz: of the waveforms.
        min_cutoff_hz: the least cutoff, positive.
        max_cutoff_hz: the largest, below half the sample rate.
        order: even, at least 2: 6 dB per octave each.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomHighPass(44100, 300, 300, probability=1.0).draw(key, 100)["cutoff_hz"]
        tensor([300.])
    """

    op_id = 7
    open_hz = 0.0

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        min_cutoff_hz: float = 20.0,
        max_cutoff_hz: float = 2400.0,
        order: int = 2,
        probability: float = 0.5,
    ) -> None:
        super().__init__(sample_rate_hz, min_cutoff_hz, max_cutoff_hz, order, probability)
        self.require(
            max_cutoff_hz < sample_rate_hz / 2,
            "max_cutoff_hz must be below sample_rate_hz / 2",
            max_cutoff_hz,
        )

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`high_pass`."""
        return high_pass(waveforms, self.sample_rate_hz, parameters["cutoff_hz"], self.order)
