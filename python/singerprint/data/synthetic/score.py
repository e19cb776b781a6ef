"""draw_score: what is sung - notes, vowels, consonants and dynamics - from a seed alone, whoever sings.

    semitones[note] = key + scale[degree[note]], degree a random walk that stays within an octave and a bit

Phrases of three to seven notes rise and fall in effort, end in a long note and are parted by breaths.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .voice import VOWELS, generator

__all__ = ["CONSONANTS", "Note", "Score", "draw_score"]

SCORE_PURPOSE = 17
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9))
DEGREE_STEPS = (-4, -2, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2, 4)
BEATS = (0.5, 0.5, 0.5, 0.75, 1.0, 1.0, 1.0, 1.5, 2.0)
KEY_SEMITONES = 6.0
COLOUR = 0.35
# Of twenty syllables inside a phrase: how they begin. "" is legato from the last vowel.
CONSONANTS = ("s", "sh", "f", "h", "t", "n")
ONSETS = ("",) * 6 + ("s",) * 3 + ("sh",) + ("f",) * 2 + ("h",) * 2 + ("t",) * 3 + ("n",) * 3
ONSET_SECONDS = {"": 0.0, "s": 0.12, "sh": 0.12, "f": 0.09, "h": 0.07, "t": 0.07, "n": 0.08}


class Note(NamedTuple):
    """A sung syllable.

    Attributes:
        start_seconds: When its consonant begins.
        stop_seconds: When its vowel ends.
        semitones: Pitch relative to the singer's centre.
        vowel: Index into VOWELS.
        colour: Index of the vowel it leans to.
        leaning: How far, 0 to COLOUR.
        onset: How it begins: one of CONSONANTS, or "" for legato.
        onset_seconds: Length of the consonant.
        effort: 0 soft to 1 loud.
        opens_phrase: True for the first note of a phrase.
        closes_phrase: True for the last note of a phrase.
    """

    start_seconds: float
    stop_seconds: float
    semitones: float
    vowel: int
    colour: int
    leaning: float
    onset: str
    onset_seconds: float
    effort: float
    opens_phrase: bool
    closes_phrase: bool


class Score(NamedTuple):
    """Notes in order of time, and the breaths (start, stop in seconds) between the phrases."""

    notes: list[Note]
    breaths: list[tuple[float, float]]


def draw_score(seed: int, seconds: float) -> Score:
    """Draws a score.

    Args:
        seed: Seed of the performance.
        seconds: Length to fill, >= 0.5; the last note may be cut short by the end.

    Returns:
        At least one note.
    """
    draws = generator(seed, SCORE_PURPOSE)

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(draws.random())

    def pick(count: int) -> int:
        return int(draws.random() * count)

    beat_seconds = 60.0 / uniform(76.0, 136.0)
    key, scale = uniform(-KEY_SEMITONES, KEY_SEMITONES), SCALES[pick(len(SCALES))]
    loudness = uniform(0.25, 0.6)
    degree, vowel = pick(7) - 3, pick(len(VOWELS))
    now = uniform(0.02, 0.15)
    notes: list[Note] = []
    breaths: list[tuple[float, float]] = []
    while now < seconds:
        length = 3 + pick(5)
        for position in range(length):
            last = position == length - 1
            held = BEATS[pick(len(BEATS))] * beat_seconds * (1.8 if last else 1.0)
            degree = _bounded(degree + DEGREE_STEPS[pick(len(DEGREE_STEPS))])
            onset = ONSETS[pick(len(ONSETS))] if position > 0 else CONSONANTS[pick(len(CONSONANTS))]
            if onset or draws.random() < 0.4:
                vowel = pick(len(VOWELS))
            semitones = key + 12.0 * (degree // len(scale)) + scale[degree % len(scale)]
            arc = np.sin(np.pi * (position + 0.7) / (length + 0.6))
            effort = float(
                np.clip(loudness * (0.5 + arc) + 0.012 * semitones + uniform(-0.08, 0.08), 0.05, 1.0)
            )
            onset_seconds = min(ONSET_SECONDS[onset] * uniform(0.7, 1.4), 0.4 * held)
            stop = now + max(held, 0.18)
            notes.append(
                Note(
                    start_seconds=now,
                    stop_seconds=stop,
                    semitones=semitones,
                    vowel=vowel,
                    colour=pick(len(VOWELS)),
                    leaning=uniform(0.0, COLOUR),
                    onset=onset,
                    onset_seconds=onset_seconds,
                    effort=effort,
                    opens_phrase=position == 0,
                    closes_phrase=last,
                )
            )
            now = stop
        pause = uniform(0.25, 0.6)
        breaths.append((now + 0.06, now + pause - 0.04))
        now += pause
    return Score([note for note in notes if note.start_seconds < seconds], breaths)


def _bounded(degree: int) -> int:
    """Reflects a scale degree into [-5, 5]."""
    return int(np.clip(degree if abs(degree) <= 5 else int(np.sign(degree)) * 10 - degree, -5, 5))
