"""draw_score: what is sung - notes, vowels, consonants and dynamics - from a seed alone, whoever sings.

    semitones[note] = key + scale[degree[note]], degree a random walk that stays within an octave and a bit

Phrases of three to seven notes rise and fall in effort, end in a long note and are parted by breaths.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from singerprint.data.synthetic.draws import Draws
from singerprint.data.synthetic.voice import VOWELS

__all__ = ["CONSONANTS", "Note", "Score", "draw_score"]

SCORE_PURPOSE = 17
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9))
DEGREE_STEPS = (-4, -2, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2, 4)
BEATS = (0.5, 0.5, 0.5, 0.75, 1.0, 1.0, 1.0, 1.5, 2.0)
KEY_SEMITONES = 6.0
COLOUR = 0.35
SHORTEST_SECONDS = 0.18
NEW_VOWEL_PROBABILITY = 0.4
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


class Manner(NamedTuple):
    """What the phrases of a score have in common."""

    beat_seconds: float
    key_semitones: float
    scale: tuple[int, ...]
    loudness: float


def draw_score(seed: int, seconds: float) -> Score:
    """Draws a score.

    Args:
        seed: Seed of the performance.
        seconds: Length to fill, >= 0.5; the last note may be cut short by the end.

    Returns:
        At least one note.
    """
    draws = Draws(seed, SCORE_PURPOSE)
    manner = Manner(
        beat_seconds=60.0 / draws.uniform(76.0, 136.0),
        key_semitones=draws.uniform(-KEY_SEMITONES, KEY_SEMITONES),
        scale=SCALES[draws.pick(len(SCALES))],
        loudness=draws.uniform(0.25, 0.6),
    )
    now = draws.uniform(0.02, 0.15)
    notes: list[Note] = []
    breaths: list[tuple[float, float]] = []
    while now < seconds:
        phrase = _draw_phrase(draws, manner, now)
        notes += phrase
        now = phrase[-1].stop_seconds
        pause_seconds = draws.uniform(0.25, 0.6)
        breaths.append((now + 0.06, now + pause_seconds - 0.04))
        now += pause_seconds
    return Score([note for note in notes if note.start_seconds < seconds], breaths)


def _draw_phrase(draws: Draws, manner: Manner, start_seconds: float) -> list[Note]:
    length = 3 + draws.pick(5)
    degree, vowel = draws.pick(7) - 3, draws.pick(len(VOWELS))
    notes: list[Note] = []
    for position in range(length):
        last = position == length - 1
        onsets = ONSETS if position > 0 else CONSONANTS
        onset = onsets[draws.pick(len(onsets))]
        if onset or draws.uniform(0.0, 1.0) < NEW_VOWEL_PROBABILITY:
            vowel = draws.pick(len(VOWELS))
        beats = BEATS[draws.pick(len(BEATS))] * (1.8 if last else 1.0)
        held_seconds = max(SHORTEST_SECONDS, beats * manner.beat_seconds)
        octave, step = divmod(degree, len(manner.scale))
        semitones = manner.key_semitones + 12.0 * octave + manner.scale[step]
        arc = 0.5 + math.sin(math.pi * (position + 0.7) / (length + 0.6))
        effort = manner.loudness * arc + 0.012 * semitones + draws.uniform(-0.08, 0.08)
        notes.append(
            Note(
                start_seconds=start_seconds,
                stop_seconds=start_seconds + held_seconds,
                semitones=semitones,
                vowel=vowel,
                colour=draws.pick(len(VOWELS)),
                leaning=draws.uniform(0.0, COLOUR),
                onset=onset,
                onset_seconds=min(ONSET_SECONDS[onset] * draws.uniform(0.7, 1.4), 0.4 * held_seconds),
                effort=min(max(effort, 0.05), 1.0),
                opens_phrase=position == 0,
                closes_phrase=last,
            )
        )
        start_seconds += held_seconds
        degree = _bounded(degree + DEGREE_STEPS[draws.pick(len(DEGREE_STEPS))])
    return notes


def _bounded(degree: int) -> int:
    """Reflects a scale degree into [-5, 5]; no step is long enough to need it twice."""
    return degree if abs(degree) <= 5 else (10 if degree > 0 else -10) - degree
