"""Bandwidth: what a lower sample rate or a codec has left of each waveform."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from singerprint.augment.argument_check import check_each, check_sample_rate, numbers_of
from singerprint.augment.convolve import convolve
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import Parameters, RandomTransform, uniform_integer

_STOP_BAND_DB = 90.0  # what Kaiser's formulas are asked for; float32 taps and transforms leave more than 80


def bandwidth(
    waveforms: Tensor, sample_rate_hz: float, cutoff_hz: Tensor | float, transition_hz: float = 300.0
) -> Tensor:
    """Takes away all from the cutoff on, as resampling to twice the cutoff and back does, without delay.

    A windowed sinc of linear phase: 0 dB up to ``cutoff_hz - transition_hz``, less than -80 dB from
    ``cutoff_hz`` on, -6 dB half way.

    Args:
        waveforms: ``(batch, samples)`` float32, any level; silence is assumed before and after.
        sample_rate_hz: of the waveforms.
        cutoff_hz: ``(batch,)`` floating point or one number, above ``transition_hz``, which is checked on the
            CPU alone; one from half the sample rate on changes no bit of its waveform.
        transition_hz: from the pass to the stop band, positive: the narrower, the slower.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape, a device or a number does not fit.
        TypeError: the waveforms are not float32, or the cutoffs no floating point numbers.

    Example:
        >>> import torch, singerprint as sp
        >>> tone = torch.sin(2 * torch.pi * 5000 / 44100 * torch.arange(44100).double()).float()[None]
        >>> narrow = sp.augment.bandwidth(tone, 44100, torch.tensor([4000.0]))
        >>> bool(narrow[:, 4410:-4410].abs().max() < 1e-4)
        True

    Source:
        Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974.
    """
    check_sample_rate("bandwidth", sample_rate_hz)
    cutoff_hz = numbers_of("bandwidth", "cutoff_hz", cutoff_hz, waveforms)
    if not 0 < transition_hz < math.inf:
        raise ValueError(f"bandwidth: transition_hz must be positive, got {transition_hz}")
    rule = f"be above transition_hz = {transition_hz:g}"
    check_each("bandwidth", "cutoff_hz", cutoff_hz, cutoff_hz > transition_hz, rule)
    whole = cutoff_hz >= sample_rate_hz / 2
    middle_hz = torch.where(whole, sample_rate_hz / 4, cutoff_hz - transition_hz / 2)
    kernels = _low_pass_kernels(sample_rate_hz, middle_hz, transition_hz)
    delay = kernels.shape[1] // 2
    filtered = convolve(torch.nn.functional.pad(waveforms, (0, delay)), kernels)[:, delay:]
    return torch.where(whole[:, None], waveforms, filtered)


def _low_pass_kernels(sample_rate_hz: float, middle_hz: Tensor, transition_hz: float) -> Tensor:
    """``(batch, taps)``, taps odd: by Kaiser's formulas for the window's shape and length."""
    transition = 2 * math.pi * transition_hz / sample_rate_hz
    half = math.ceil((_STOP_BAND_DB - 7.95) / (2.285 * transition) / 2)
    n = torch.arange(-half, half + 1, device=middle_hz.device, dtype=torch.float64)
    window = torch.kaiser_window(
        2 * half + 1, False, 0.1102 * (_STOP_BAND_DB - 8.7), dtype=torch.float64, device=middle_hz.device
    )
    turns = 2 * middle_hz.double()[:, None] / sample_rate_hz
    kernels = turns * torch.sinc(turns * n) * window
    return (kernels / kernels.sum(1, keepdim=True)).float()


class RandomBandwidth(RandomTransform):
    """Leaves each waveform the bandwidth of another sample rate, each equally likely.

    Args:
        sample_rate_hz: of the waveforms.
        sample_rates_hz: of the material to look like; one from ``sample_rate_hz`` on changes nothing.
        transition_hz: from the pass to the stop band, positive.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range, or there are no sample rates.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomBandwidth(44100, [8000], probability=1.0).draw(key, 100)
        {'cutoff_hz': tensor([4000.])}
    """

    op_id = 12
    draws = 1

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        sample_rates_hz: Sequence[float] = (8_000, 16_000, 22_050, 24_000, 32_000),
        transition_hz: float = 300.0,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        check_sample_rate("RandomBandwidth", sample_rate_hz)
        self.require(0 < transition_hz < math.inf, "transition_hz must be positive", transition_hz)
        self.require(
            len(sample_rates_hz) > 0, "sample_rates_hz must have at least 1 rate", list(sample_rates_hz)
        )
        for rate_hz in sample_rates_hz:
            self.require(
                rate_hz > 2 * transition_hz, "sample_rates_hz must be above twice transition_hz", rate_hz
            )
        self.sample_rate_hz = sample_rate_hz
        self.sample_rates_hz = tuple(sample_rates_hz)
        self.transition_hz = transition_hz

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``cutoff_hz`` ``(batch,)`` float32, inf for none."""
        rates_hz = torch.tensor(self.sample_rates_hz, dtype=torch.float32, device=chosen.device)
        cutoff_hz = rates_hz[uniform_integer(uniform[0], len(self.sample_rates_hz))] / 2
        return {"cutoff_hz": torch.where(chosen, cutoff_hz, math.inf)}

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`bandwidth`."""
        return bandwidth(waveforms, self.sample_rate_hz, parameters["cutoff_hz"], self.transition_hz)
