"""SyntheticSinger: the parameters of a voice; draw_singer draws them from a seed.

    formant_hz[vowel, i] = tract_scale * table_hz[vowel, i] * 2^(offset[vowel, i]), upper ones pulled to the
    ring

The table is Peterson and Barney's (J. Acoust. Soc. Am. 24, 1952) for men, F1 to F3, continued by the
resonances of a 17.5 cm tube for F4 and F5. Nothing here depends on what is sung.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from singerprint.data.synthetic.draws import Draws

__all__ = ["VOWELS", "SyntheticSinger", "draw_singer"]

VOWELS = "aeiou"
TABLE_HZ = np.array(
    [
        [730.0, 1090.0, 2440.0, 3500.0, 4500.0],
        [530.0, 1840.0, 2480.0, 3550.0, 4500.0],
        [270.0, 2290.0, 3010.0, 3650.0, 4600.0],
        [570.0, 840.0, 2410.0, 3400.0, 4400.0],
        [300.0, 870.0, 2240.0, 3350.0, 4350.0],
    ]
)
TABLE_BANDWIDTH_HZ = np.array([70.0, 85.0, 120.0, 170.0, 230.0])
SINGER_PURPOSE = 16
# The same for all: registers must not tell who sings.
REGISTER_CENTRE_MIDI = 57.0


@dataclasses.dataclass(frozen=True)
class SyntheticSinger:
    """A voice, apart from what it sings.

    Attributes:
        tract_scale: Formants relative to a 17.5 cm vocal tract: 0.88 a long one, 1.2 a short one.
        formant_hz: (5 vowels a e i o u, 5 formants), ascending in each vowel.
        bandwidth_hz: (5 vowels, 5 formants).
        dip_hz: Centre of the piriform sinuses' antiresonance.
        dip_depth: Its depth, 0 none, 1 the deepest.
        open_quotient: Share of the glottal cycle with open folds.
        asymmetry: Time of the largest flow within the open phase, as a share of it.
        tilt_hz: Corner above which the source falls a further 6 dB per octave, at medium effort.
        breathiness_db: Level of aspiration noise relative to the voiced sound.
        breath_slope_db: Slope of the aspiration per octave above 1 kHz, before the tract.
        vibrato_hz: Rate.
        vibrato_semitones: Largest deviation to either side.
        vibrato_onset_seconds: How long a note is held straight.
        portamento_seconds: How long a change of note takes.
        scoop_semitones: How far below the note a phrase begins.
        jitter_ratio: Standard deviation of a cycle's length.
        shimmer_db: Standard deviation of a cycle's level.
        sibilant_hz: Centre of the noise of s.
        register_centre_midi: Middle of the range, as a MIDI note.
    """

    tract_scale: float
    formant_hz: tuple[tuple[float, ...], ...]
    bandwidth_hz: tuple[tuple[float, ...], ...]
    dip_hz: float
    dip_depth: float
    open_quotient: float
    asymmetry: float
    tilt_hz: float
    breathiness_db: float
    breath_slope_db: float
    vibrato_hz: float
    vibrato_semitones: float
    vibrato_onset_seconds: float
    portamento_seconds: float
    scoop_semitones: float
    jitter_ratio: float
    shimmer_db: float
    sibilant_hz: float
    register_centre_midi: float


def draw_singer(seed: int, index: int) -> SyntheticSinger:
    """Draws a singer.

    Args:
        seed: Seed of a set of singers.
        index: Which singer of the set, >= 0.

    Returns:
        The same singer for the same arguments, everywhere.

    Raises:
        ValueError: `index` is negative.

    Example:
        >>> draw_singer(seed=0, index=3) == draw_singer(seed=0, index=3)
        True
    """
    if index < 0:
        raise ValueError(f"draw_singer: index must not be negative, got {index}")
    draws = Draws(seed, SINGER_PURPOSE + (index << 8))
    uniform = draws.uniform
    tract_scale = uniform(0.88, 1.2)
    formant_hz, bandwidth_hz = _draw_resonances(draws, tract_scale)
    return SyntheticSinger(
        tract_scale=tract_scale,
        formant_hz=tuple(tuple(row) for row in formant_hz.tolist()),
        bandwidth_hz=tuple(tuple(row) for row in bandwidth_hz.tolist()),
        dip_hz=tract_scale * uniform(3900.0, 5000.0),
        dip_depth=uniform(0.2, 1.0),
        open_quotient=uniform(0.45, 0.75),
        asymmetry=uniform(0.66, 0.8),
        tilt_hz=1000.0 * 2.0 ** uniform(1.2, 3.2),
        breathiness_db=uniform(-34.0, -17.0),
        breath_slope_db=uniform(1.0, 6.0),
        vibrato_hz=uniform(4.8, 6.8),
        vibrato_semitones=uniform(0.15, 1.0),
        vibrato_onset_seconds=uniform(0.06, 0.35),
        portamento_seconds=uniform(0.05, 0.15),
        scoop_semitones=uniform(0.0, 2.5),
        jitter_ratio=uniform(0.001, 0.005),
        shimmer_db=uniform(0.1, 0.5),
        sibilant_hz=uniform(5200.0, 8500.0),
        register_centre_midi=REGISTER_CENTRE_MIDI + uniform(-1.5, 1.5),
    )


def _draw_resonances(
    draws: Draws, tract_scale: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Formants and bandwidths, (vowels, formants) each."""
    # a speaker's own bend of every formant, and a smaller one of every vowel: about 5 and 3 %
    own = 0.07 * draws.normal(5)
    habit = 0.04 * draws.normal(5, 5)
    formant_hz = tract_scale * TABLE_HZ * 2.0 ** np.clip(own + habit, -0.2, 0.2)
    # the singer's formant (Sundberg, J. Acoust. Soc. Am. 55, 1974): F3 to F5 drawn together
    ring = draws.uniform(0.0, 0.6)
    ring_hz = tract_scale * draws.uniform(2750.0, 3250.0)
    spread = np.array([-0.12, 0.0, 0.14])
    formant_hz[:, 2:] += ring * (ring_hz * (1.0 + spread) - formant_hz[:, 2:])
    formant_hz.sort(axis=1)
    bandwidth_hz = TABLE_BANDWIDTH_HZ * 2.0 ** (0.5 * draws.normal(5)) * np.ones((5, 1))
    return formant_hz, np.clip(bandwidth_hz, 45.0, 500.0)
