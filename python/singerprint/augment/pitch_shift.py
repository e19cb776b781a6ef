"""Pitch shift: moves the pitch of a voice and leaves its formants, or the other way round."""

import torch
from torch import Tensor

from singerprint.augment.argument_check import per_clip
from singerprint.augment.draw_key import DrawKey
from singerprint.augment.random_transform import NativeCall, Parameters, RandomTransform, uniform_between


def pitch_shift(
    waveforms: Tensor,
    sample_rate_hz: float,
    pitch_ratio: Tensor | float,
    pitch_range_ratio: Tensor | float = 1.0,
    formant_ratio: Tensor | float = 1.0,
    praat_compatible: bool = False,
) -> Tensor:
    """Moves the pitch of each waveform, the range of its pitch and its formants, apart from each other.

    The wanted pitch is ``median * pitch_ratio + (f0 - median) * pitch_ratio * pitch_range_ratio`` Hz, the
    median over the voiced frames of the clip, kept within [20 Hz, a quarter of the sample rate]. Voiced
    stretches below 200 Hz are rebuilt of the voice's own periods, higher ones by moving their harmonics under
    the spectral envelope; what is unvoiced or silent passes unchanged, and so does a clip whose ratios are
    all 1, bit for bit. The result depends on the clip alone. Samples that are not finite count as silence
    where pitch is looked for, and spoil what is made of them.

    Args:
        waveforms: ``(batch, samples)`` float32, one voice each, any level and length.
        sample_rate_hz: of the waveforms, in [8000, 192000].
        pitch_ratio: ``(batch,)`` float32 or one number, in [0.25, 4].
        pitch_range_ratio: likewise, in [0, 4]: 0 sings on one note.
        formant_ratio: likewise, in [0.25, 4]. Ranges are checked on the CPU alone; on CUDA a ratio is clamped
            to its range, and NaN counts as its lower end: the host does not wait for the device.
        praat_compatible: the limits of Praat as Torres et al. (2023) set them: voices of 75 to 600 Hz, one
            method for all, grains of the shorter period. To reproduce; high voices suffer.

    Returns:
        ``(batch, samples)`` float32 on the same device. No gradient flows through it.

    Raises:
        ValueError: a shape or a number does not fit.
        TypeError: a tensor is not float32.

    Example:
        >>> import torch, singerprint as sp
        >>> from singerprint.data.synthetic import draw_singer, synthesize
        >>> voice = torch.from_numpy(synthesize(draw_singer(0, 1), seconds=2.0))[None]
        >>> higher = sp.augment.pitch_shift(voice, 44100, pitch_ratio=1.2)
        >>> both = (sp.frontend.pitch(take) for take in (higher, voice))
        >>> medians = [take.f0_hz[take.voiced].median() for take in both]
        >>> round((medians[0] / medians[1]).item(), 1)
        1.2

    Source:
        Moulines and Charpentier, Speech Communication 9 (1990), for the periods; the harmonics and the phase
        that both are locked to are described in ``csrc/dsp``.
    """
    named = {
        "pitch_ratio": pitch_ratio,
        "pitch_range_ratio": pitch_range_ratio,
        "formant_ratio": formant_ratio,
    }
    ratios = (per_clip("pitch_shift", name, ratio, waveforms) for name, ratio in named.items())
    result: Tensor = torch.ops.singerprint.pitch_shift(waveforms, sample_rate_hz, *ratios, praat_compatible)
    return result


def formant_shift(waveforms: Tensor, sample_rate_hz: float, formant_ratio: Tensor | float) -> Tensor:
    """Moves the formants of each waveform, as a longer or shorter vocal tract would, and leaves its pitch.

    Args:
        waveforms: ``(batch, samples)`` float32, one voice each, any level and length.
        sample_rate_hz: of the waveforms, in [8000, 192000].
        formant_ratio: ``(batch,)`` float32 or one number, in [0.25, 4].

    Returns:
        ``(batch, samples)`` float32 on the same device. No gradient flows through it.

    Raises:
        ValueError: a shape or a number does not fit.
        TypeError: a tensor is not float32.

    Example:
        >>> import torch, singerprint as sp
        >>> silence = torch.zeros(1, 44100)
        >>> torch.equal(sp.augment.formant_shift(silence, 44100, 1.1), silence)
        True
    """
    return pitch_shift(waveforms, sample_rate_hz, 1.0, formant_ratio=formant_ratio)


class RandomPitchShift(RandomTransform):
    """Moves pitch and pitch range by random ratios; the ranges are those of Torres et al. (2023).

    Each ratio is uniform in ``[1, max_ratio]`` and turned upside down by a fair coin. A clip that is not
    augmented has the ratios 1.

    Args:
        sample_rate_hz: of the waveforms.
        max_pitch_ratio: in [1, 4].
        max_pitch_range_ratio: in [1, 4].
        max_formant_ratio: in [1, 4]; 1 leaves the formants.
        praat_compatible: as in :func:`pitch_shift`.
        probability: in [0, 1], that a clip is augmented.

    Raises:
        ValueError: a number lies outside its range.

    Example:
        >>> import torch, singerprint as sp
        >>> key = sp.augment.DrawKey.of(seed=0, clip_ids=[3, 4])
        >>> drawn = sp.augment.RandomPitchShift(probability=1.0).draw(key, 44100)["pitch_ratio"]
        >>> bool(((drawn > 1 / 1.3001) & (drawn < 1.3001)).all())
        True
    """

    op_id = 4
    draws = 6

    def __init__(
        self,
        sample_rate_hz: float = 44_100,
        max_pitch_ratio: float = 1.3,
        max_pitch_range_ratio: float = 1.5,
        max_formant_ratio: float = 1.0,
        praat_compatible: bool = False,
        probability: float = 0.5,
    ) -> None:
        super().__init__(probability)
        self.require(
            8000 <= sample_rate_hz <= 192_000, "sample_rate_hz must be in [8000, 192000]", sample_rate_hz
        )
        for name, ratio in (
            ("max_pitch_ratio", max_pitch_ratio),
            ("max_pitch_range_ratio", max_pitch_range_ratio),
            ("max_formant_ratio", max_formant_ratio),
        ):
            self.require(1.0 <= ratio <= 4.0, f"{name} must be in [1, 4]", ratio)
        self.sample_rate_hz = sample_rate_hz
        self.max_pitch_ratio = max_pitch_ratio
        self.max_pitch_range_ratio = max_pitch_range_ratio
        self.max_formant_ratio = max_formant_ratio
        self.praat_compatible = praat_compatible

    def parameters_of(self, chosen: Tensor, uniform: tuple[Tensor, ...], samples: int) -> Parameters:
        """``pitch_ratio``, ``pitch_range_ratio`` and ``formant_ratio``, ``(batch,)`` float32 each."""
        largest = (self.max_pitch_ratio, self.max_pitch_range_ratio, self.max_formant_ratio)
        names = ("pitch_ratio", "pitch_range_ratio", "formant_ratio")
        ratios: Parameters = {}
        for i, (name, maximum) in enumerate(zip(names, largest, strict=True)):
            ratio = uniform_between(uniform[2 * i], 1.0, maximum)
            ratio = torch.where(uniform[2 * i + 1] < 0.5, ratio, 1.0 / ratio)
            ratios[name] = torch.where(chosen, ratio, 1.0)
        return ratios

    def native_call(self, parameters: Parameters, key: DrawKey, stream: int) -> NativeCall:
        """:func:`pitch_shift`."""
        ratios = (parameters[name] for name in ("pitch_ratio", "pitch_range_ratio", "formant_ratio"))
        return NativeCall("pitch_shift", (self.sample_rate_hz, *ratios, self.praat_compatible))
