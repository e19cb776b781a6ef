"""Which oracle voices judge: eight to develop with, eight kept apart, and as many fresh ones as one likes.

What was tuned on voices must be judged on others: `fresh_voices(seed, count)` has no end of them.
"""

from itertools import cycle, islice
from typing import NamedTuple

import numpy as np

from benchmarks.quality.oracle_voice import SAMPLE_RATE_HZ, SAMPLES, VOWELS_HZ, Hiss, OracleVoice, Rest, Sung

HELD_OUT_SEED = 20_240_601


class _Kind(NamedTuple):
    base_midi: tuple[float, float]  # lowest note, drawn between; as are:
    formant_scale: tuple[float, float]
    # Deeper in high voices: the ruler's 4 periods are a long time in a low one, where a deep vibrato would
    # smear the ideal take itself (at 120 Hz, 100 cents: 4 cents and 1.8 dB of the oracle's own).
    vibrato_cents: tuple[float, float] = (0.0, 0.0)
    widest_interval: int = 7  # semitones above the base
    glide: float = 0.15
    consonants: bool = True


# In turn low (mean F0 under 250 Hz whatever is drawn) and high (over it, up to 990 Hz).
_KINDS = {
    "bass": _Kind((38, 44), (0.95, 1.02), (20, 40)),
    "alto": _Kind((60, 64), (1.1, 1.17), (30, 70)),
    "baritone": _Kind((43, 49), (0.98, 1.05), (20, 50)),
    "mezzo": _Kind((65, 69), (1.12, 1.18), (40, 85)),
    "tenor": _Kind((48, 52), (1.0, 1.08), (30, 65)),
    "soprano": _Kind((72, 76), (1.14, 1.2), (50, 100)),
    "glide": _Kind((43, 47), (1.0, 1.1), (10, 30), widest_interval=12, glide=0.3, consonants=False),
    "child": _Kind((64, 70), (1.2, 1.3)),
    "straight": _Kind((46, 54), (0.98, 1.12), widest_interval=4, consonants=False),
    "straight high": _Kind((62, 72), (1.1, 1.2), widest_interval=5),
}


def fresh_voices(seed: int, count: int) -> list[OracleVoice]:
    """`count` voices, low and high in turn; the first voices of a seed do not depend on `count`."""
    kinds = islice(cycle(_KINDS.items()), count)
    return [_draw(name, kind, seed, index) for index, (name, kind) in enumerate(kinds)]


def held_out_voices() -> list[OracleVoice]:
    """Eight voices of a seed of their own: not for tuning."""
    return fresh_voices(HELD_OUT_SEED, 8)


def dev_voices() -> list[OracleVoice]:
    """The eight voices that pitch_shift was developed on."""
    return [
        _dev_voice("bass", "aeiou", 43, (0, 4, 2, 7, 5), 1.0, 5.0, 40),
        _dev_voice("bari", "oaeui", 48, (0, 3, 5, 2, 7), 1.0, 5.5, 50),
        _dev_voice("tenor", "eaoiu", 55, (0, 5, 4, 7, 2), 1.0, 5.8, 70),
        _dev_voice("alto", "aieou", 60, (0, 4, 5, 2, 3), 1.15, 5.6, 60),
        _dev_voice("mezzo", "aoeia", 67, (0, 3, 5, 7, 2), 1.17, 6.0, 80),
        _dev_voice("soprano", "aeaoa", 74, (0, 5, 7, 3, 8), 1.17, 6.0, 90),
        _dev_voice("straight", "aeiou", 57, (0, 0, 2, 2, 4), 1.1, 5.0, 0, consonants=False),
        _dev_voice("glide", "aoiea", 52, (0, 12, 2, 14, 0), 1.05, 5.5, 30, consonants=False),
    ]


def _dev_voice(
    name: str,
    vowels: str,
    base_midi: float,
    intervals: tuple[int, ...],
    formant_scale: float,
    vibrato_hz: float,
    vibrato_cents: float,
    consonants: bool = True,
) -> OracleVoice:
    segments: list[Sung | Hiss | Rest] = [Rest(0.12)]
    for i in range(len(intervals) - 1):
        if consonants and i % 2 == 0:
            segments.append(Hiss(0.13))
        pitches = (base_midi + intervals[i], base_midi + intervals[i + 1])
        segments.append(Sung(0.95 if consonants else 1.2, vowels[i : i + 2], *pitches))
        if i % 2 == 1:
            segments.append(Rest(0.1))
    seed = len(name) + ord(name[0])
    return OracleVoice(name, tuple(segments), formant_scale, vibrato_hz, vibrato_cents, seed=seed)


def _draw(name: str, kind: _Kind, seed: int, index: int) -> OracleVoice:
    rng = np.random.default_rng((seed, index))
    base_midi = rng.uniform(*kind.base_midi)
    segments: list[Sung | Hiss | Rest] = [Rest(rng.uniform(0.05, 0.2))]
    vowel, midi = rng.choice(list(VOWELS_HZ)), base_midi
    while sum(segment.seconds for segment in segments) < SAMPLES / SAMPLE_RATE_HZ:
        if kind.consonants and rng.random() < 0.6:
            segments.append(Hiss(rng.uniform(0.08, 0.18)))
        elif rng.random() < 0.3:
            segments.append(Rest(rng.uniform(0.06, 0.2)))
        next_vowel = rng.choice(list(VOWELS_HZ))
        next_midi = base_midi + rng.integers(0, kind.widest_interval + 1)
        segments.append(Sung(rng.uniform(0.8, 1.3), vowel + next_vowel, midi, next_midi, kind.glide))
        vowel, midi = next_vowel, next_midi
    return OracleVoice(
        name=f"{name} {seed}.{index}",
        segments=tuple(segments),
        formant_scale=rng.uniform(*kind.formant_scale),
        vibrato_hz=rng.uniform(4.8, 6.2),
        vibrato_cents=rng.uniform(*kind.vibrato_cents),
        aspiration_db=rng.uniform(-42, -32),
        jitter_cents=rng.uniform(1, 4),
        seed=int(rng.integers(2**31)),
    )
