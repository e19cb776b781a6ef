"""Time stretch: sings slower or faster, and leaves pitch and formants."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import Parameters, RandomTransform, uniform_between

SLOWEST_RATE, FASTEST_RATE = 0.5, 2.0


def time_stretch(
    waveforms: Tensor, sample_rate_hz: float, rate: Tensor | float, samples: int | None = None
) -> Tensor:
    """Makes each waveform longer or shorter, and leaves its pitch and its formants.

    What is voiced is set down again period by period, each at its own distance. The rest is copied, but for
    pieces of some 16 ms that are repeated or left out where there is least energy; so a consonant may come
    20 ms of the waveform early or late. From rate 0.6 to 1.5 an attack between voices is heard once and
    whole; nearer to 0.5 or 2 a short one may be repeated or left out with its piece. A clip of rate 1 is
    copied, bit for bit, and silence stays silence. The result depends on the clip alone. Samples that are not
    finite count as silence where pitch is looked for, and spoil what is made of them.

    Args:
        waveforms: ``(batch, samples)`` float32, one voice each, any level and length.
        sample_rate_hz: of the waveforms, in [8000, 192000].
        rate: ``(batch,)`` float32 or one number, in [0.5, 2]: 2 is twice as fast. Checked on the CPU alone;
            on CUDA a rate is clamped to its range, and NaN counts as 0.5: the host does not wait for the
            device.
        samples: of the result, at least 0; what is longer is cut, zeros follow what is shorter. By default
            ``round(samples / rate)``, of the slowest clip where rates are a tensor, whose values the host
            then waits for.

    Returns:
        ``(batch, samples of the result)`` float32 on the same device. No gradient flows through it.

    Raises:
        ValueError: a shape or a number does not fit.
        TypeError: a tensor is not float32.

    Example:
        >>> import torch, singerprint as sp
        >>> from singerprint.data.synthetic import draw_singer, synthesize
        >>> voice = torch.from_numpy(synthesize(draw_singer(0, 1), seconds=2.0))[None]
        >>> slower = sp.augment.time_stretch(voice, 44100, rate=0.8)
        >>> slower.shape[1] / voice.shape[1]
        1.25
        >>> both = (sp.frontend.pitch(take) for take in (slower, voice))
        >>> medians = [take.f0_hz[take.voiced].median() for take in both]
        >>> round((medians[0] / medians[1]).item(), 2)
        1.0

    Source:
        Moulines and Charpentier, Speech Communication 9 (1990), for the periods; the phase that they are cut
        by and what is done between voices are described in ``csrc/dsp``.
    """
    rates = per_clip("time_stretch", "rate", rate, waveforms)
    if samples is None:
        samples = _longest(waveforms, rate)
    result: Tensor = torch.ops.singerprint.time_stretch(waveforms, sample_rate_hz, rates, samples)
    return result


def _longest(waveforms: Tensor, rate: Tensor | float) -> int:
    """``round(samples / rate)`` of the slowest clip; what does not fit is the op's to refuse."""
    samples = waveforms.shape[-1] if waveforms.dim() else 0
    if isinstance(rate, Tensor):
        if rate.numel() == 0 or rate.device.type == "meta":
            return samples
        rate = float(rate.min())
    return round(samples / rate) if SLOWEST_RATE <= rate <= FASTEST_RATE else samples


class RandomTimeStretch(RandomTransform):
    """Sings slower or faster by a random rate: ``rate ~ U[min_rate, max_rate)``, or 1.

    Waveforms keep their length: the end of a slower one is cut, and zeros follow a faster one. The ranges
    are those of audiomentations 0.43.1.

    Args:
        sample_rate_hz: of the waveforms.
        min_rate: the slowest, in [0.5, 2].
        max_rate: the fastest.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3])
        >>> sp.augment.RandomTimeStretch(44100, 1.25, 1.25, probability=1.0).draw(key, 44100)
        {'rate': tensor([1.2500])}
    """

    op_id = 13
    draws = 1

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        min_rate: float = 0.8,
        max_rate: float = 1.25,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        self.require(
            8000 <= sample_rate_hz <= 192_000, "sample_rate_hz must be in [8000, 192000]", sample_rate_hz
        )
        self.require_range("rate", min_rate, max_rate)
        self.require(min_rate >= SLOWEST_RATE, "min_rate must be at least 0.5", min_rate)
        self.require(max_rate <= FASTEST_RATE, "max_rate must be at most 2", max_rate)
        self.sample_rate_hz = sample_rate_hz
        self.min_rate = min_rate
        self.max_rate = max_rate

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``rate`` ``(batch,)`` float32."""
        rate = uniform_between(uniform[0], self.min_rate, self.max_rate)
        return {"rate": torch.where(chosen, rate, 1.0)}

    def augment(self, waveforms: Tensor, parameters: Parameters, key: DrawKey, stream: int) -> Tensor:
        """:func:`time_stretch`, to the same length."""
        return time_stretch(waveforms, self.sample_rate_hz, parameters["rate"], waveforms.shape[1])
