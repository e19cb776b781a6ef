"""Parametric equalizer: a low shelf, peaks and a high shelf, each waveform with its own."""

import torch
from torch import Tensor

from singerprint.augment import filter_design
from singerprint.augment.argument_check import check_each, check_numbers, check_sample_rate
from singerprint.augment.biquad_cascade import biquad_cascade
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import Parameters, RandomTransform, uniform_between
from singerprint.augment.uniform_mel import uniform_mel


def parametric_eq(
    waveforms: Tensor, sample_rate_hz: float, center_hz: Tensor, gain_db: Tensor, q: Tensor
) -> Tensor:
    """Filters each waveform by a low shelf (the first band), a high shelf (the last), and peaks between.

    A band of 0 dB changes no bit.

    Args:
        waveforms: ``(batch, samples)`` float32, any level.
        sample_rate_hz: of the waveforms.
        center_hz: ``(batch, bands)`` floating point, at least two bands: where a shelf has half its decibels,
            where a peak is highest. In (0, sample_rate_hz / 2), which is checked on the CPU alone.
        gain_db: ``(batch, bands)`` floating point, decibels.
        q: ``(batch, bands)`` floating point, positive: the quality factor; the higher, the narrower.

    Returns:
        ``(batch, samples)`` float32 on the same device.

    Raises:
        ValueError: a shape or a device does not fit, or, on the CPU, a number lies outside its range.
        TypeError: the waveforms are not float32, or the others no floating point numbers.

    Example:
        >>> import torch, singerprint as sp
        >>> bands = {"center_hz": [[100.0, 8000.0]], "gain_db": [[-20.0, 0.0]], "q": [[0.7, 0.7]]}
        >>> bands = {name: torch.tensor(values) for name, values in bands.items()}
        >>> sp.augment.parametric_eq(torch.ones(1, 44100), 44100, **bands)[:, -1]  # the gain at 0 Hz
        tensor([0.1000])

    Source:
        R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients".
    """
    op = "parametric_eq"
    check_sample_rate(op, sample_rate_hz)
    for name, tensor in (("center_hz", center_hz), ("gain_db", gain_db), ("q", q)):
        check_numbers(op, name, tensor, waveforms, columns="bands")
        if tensor.shape != center_hz.shape or tensor.shape[1] < 2:
            raise ValueError(
                f"{op}: {name} must have at least 2 bands, as many as center_hz, got {list(tensor.shape)}"
            )
    in_band = (center_hz > 0) & (center_hz < sample_rate_hz / 2)
    check_each(op, "center_hz", center_hz, in_band, f"be in (0, {sample_rate_hz / 2:g})")
    check_each(op, "gain_db", gain_db, gain_db.isfinite(), "be finite")
    check_each(op, "q", q, (q > 0) & q.isfinite(), "be positive")
    first, peaks, last = slice(None, 1), slice(1, -1), slice(-1, None)
    designs = (
        (filter_design.low_shelf, first),
        (filter_design.peak, peaks),
        (filter_design.high_shelf, last),
    )
    sections = [
        design(sample_rate_hz, center_hz[:, bands], gain_db[:, bands], q[:, bands])
        for design, bands in designs
    ]
    return biquad_cascade(waveforms, torch.cat(sections, 1))


class RandomParametricEq(RandomTransform):
    """A random equalizer of seven bands: what another microphone, room or mix does to a voice.

    ``center_hz`` is uniform in mel within each band's range (42-95, 91-204, 196-441, 421-948, 909-2045,
    1957-4404, 4216-9486 Hz; lowered to 0.45 times the sample rate), ``gain_db ~ U[min_gain_db,
    max_gain_db)``, or 0, and ``q`` is uniform in [0.1, 0.999) for the shelves and in [0.5, 5) for the peaks:
    the ranges of audiomentations 0.43.1, ``SevenBandParametricEQ``.

    Args:
        sample_rate_hz: of the waveforms.
        min_gain_db: the least gain of a band, decibels.
        max_gain_db: the largest.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: the sample rate is not positive, the range empty or not finite, or the probability outside
            [0, 1].

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomParametricEq(44100, probability=1.0).draw(key, 100)["gain_db"].shape
        torch.Size([1, 7])
    """

    op_id = 5
    draws = 21
    ranges_hz = ((42, 95), (91, 204), (196, 441), (421, 948), (909, 2045), (1957, 4404), (4216, 9486))
    shelf_q = (0.1, 0.999)
    peak_q = (0.5, 5.0)

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        min_gain_db: float = -12.0,
        max_gain_db: float = 12.0,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        check_sample_rate("RandomParametricEq", sample_rate_hz)
        self.require_range("gain_db", min_gain_db, max_gain_db)
        self.sample_rate_hz = sample_rate_hz
        self.min_gain_db = min_gain_db
        self.max_gain_db = max_gain_db

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``center_hz``, ``gain_db`` and ``q``, ``(batch, 7)`` float32."""
        bands = len(self.ranges_hz)
        centers, gains, qualities = (uniform[i * bands : (i + 1) * bands] for i in range(3))
        center_hz = [uniform_mel(u, *edges) for u, edges in zip(centers, self.ranges_hz, strict=True)]
        gain_db = uniform_between(torch.stack(gains, 1), self.min_gain_db, self.max_gain_db)
        q_ranges = (self.shelf_q, *(bands - 2) * (self.peak_q,), self.shelf_q)
        q = [uniform_between(u, *edges) for u, edges in zip(qualities, q_ranges, strict=True)]
        return {
            "center_hz": torch.stack(center_hz, 1).clamp(max=0.45 * self.sample_rate_hz),
            "gain_db": torch.where(chosen[:, None], gain_db, 0.0),
            "q": torch.stack(q, 1),
        }

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`parametric_eq`."""
        return parametric_eq(waveforms, self.sample_rate_hz, **parameters)
