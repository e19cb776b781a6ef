"""perform: a singer's control curves for a score, one value per frame of 5 ms.

    midi(t) = centre + smooth(semitones)(t) - scoop * exp(-age / 60 ms)
              + vibrato * grown(age - onset) * sin(2 pi rate age + phase) + drift(t)

The score says which note; the singer says how it is reached, how it vibrates, and from how far below a phrase
starts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.data.synthetic.draws import Draws
from singerprint.data.synthetic.score import CONSONANTS, Note, Score
from singerprint.data.synthetic.voice import VOWELS, SyntheticSinger

__all__ = ["Curves", "perform"]

Curve = npt.NDArray[np.float64]
PERFORMANCE_PURPOSE = 18
VOWEL_GLIDE_SECONDS = 0.09
VOICE_FADE_SECONDS = 0.05
NOISE_FADE_SECONDS = 0.03
EFFORT_GLIDE_SECONDS = 0.2
CLOSURE_SHARE = 0.7  # of a plosive's time the mouth is closed
DRIFT_SEMITONES = 0.08
LEVEL_WAVER_RATIO = 0.05
WANDER_RATIOS = (0.03, 0.03, 0.02, 0.015, 0.015)
LOWEST_HZ = 75.0
HIGHEST_HZ = 1000.0
# dB of the voiced sound between effort 0 and 1
EFFORT_RANGE_DB = 18.0


class Curves(NamedTuple):
    """Control curves; frames first.

    Attributes:
        pitch_hz: (frames,) fundamental, also where nothing is voiced.
        voiced: (frames,) amplitude of the voiced sound, 1 at full effort.
        effort: (frames,) 0 to 1.
        vowels: (frames, 5) shares of the vowels, each row adds to 1.
        nasal: (frames,) 0 to 1.
        consonants: (frames, kinds) amplitude of the noise of each of CONSONANTS.
        breath: (frames,) amplitude of breathing in.
        wander: (frames, 5) relative movement of the formants: no vowel is held still.
    """

    pitch_hz: Curve
    voiced: Curve
    effort: Curve
    vowels: Curve
    nasal: Curve
    consonants: Curve
    breath: Curve
    wander: Curve


def perform(
    singer: SyntheticSinger, score: Score, frames: int, frames_per_second: float, seed: int
) -> Curves:
    """Turns a score into the curves of one singer's performance of it.

    Args:
        singer: Who sings.
        score: What is sung.
        frames: Number of frames, >= 1.
        frames_per_second: Their rate.
        seed: Seed of the unevenness.

    Returns:
        The curves.
    """
    times = np.arange(frames) / frames_per_second
    draws = Draws(seed, PERFORMANCE_PURPOSE)
    semitones, effort, vowels = _targets(score, times)
    gestures, voiced, nasal = np.zeros(frames), np.zeros(frames), np.zeros(frames)
    consonants = np.zeros((frames, len(CONSONANTS)))
    for note in score.notes:
        _articulate(note, times, voiced, nasal, consonants)
        gestures += _pitch_gestures(singer, note, times, phase=draws.uniform(0.0, 2.0 * np.pi))

    def smooth(curve: Curve, seconds: float) -> Curve:
        return _smoothed(curve, max(1, round(seconds * frames_per_second)))

    def slow_noise(seconds: float, deviation: float) -> Curve:
        noise = smooth(draws.normal(frames), seconds)
        return deviation / max(float(noise.std()), 1e-9) * noise

    drift = slow_noise(0.15, DRIFT_SEMITONES)
    midi = singer.register_centre_midi + smooth(semitones, singer.portamento_seconds) + gestures + drift
    effort, nasal = smooth(effort, EFFORT_GLIDE_SECONDS), smooth(nasal, VOICE_FADE_SECONDS)
    level = 10.0 ** (EFFORT_RANGE_DB * (effort - 1.0) / 20.0) * (1.0 - 0.5 * nasal)
    level *= 1.0 + slow_noise(0.1, LEVEL_WAVER_RATIO)
    return Curves(
        pitch_hz=np.clip(440.0 * 2.0 ** ((midi - 69.0) / 12.0), LOWEST_HZ, HIGHEST_HZ),
        voiced=smooth(voiced, VOICE_FADE_SECONDS) * level,
        effort=effort,
        vowels=np.stack([smooth(share, VOWEL_GLIDE_SECONDS) for share in vowels.T], axis=1),
        nasal=nasal,
        consonants=np.stack([smooth(noise, NOISE_FADE_SECONDS) for noise in consonants.T], axis=1),
        breath=_breaths(score, times),
        wander=np.stack([slow_noise(0.25, share) for share in WANDER_RATIOS], axis=1),
    )


def _targets(score: Score, times: Curve) -> tuple[Curve, Curve, Curve]:
    """Semitones, effort (frames,) and vowel shares (frames, 5) of the note last begun, or of the first."""
    starts = np.array([note.start_seconds for note in score.notes])
    current = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    semitones = np.array([note.semitones for note in score.notes])
    effort = np.array([note.effort for note in score.notes])
    shares = np.array([_vowel_shares(note) for note in score.notes])
    return semitones[current], effort[current], shares[current]


def _breaths(score: Score, times: Curve) -> Curve:
    """Amplitude of breathing in, (frames,)."""
    amplitude = np.zeros(len(times))
    for start, stop in score.breaths:
        span = (times >= start) & (times < stop)
        amplitude[span] = np.sin(np.pi * (times[span] - start) / (stop - start)) ** 2
    return amplitude


def _vowel_shares(note: Note) -> Curve:
    """How much of each vowel a note is, (5,); adds to 1."""
    shares = np.zeros(len(VOWELS))
    shares[note.vowel] += 1.0 - note.leaning
    shares[note.colour] += note.leaning
    return shares


def _articulate(note: Note, times: Curve, voiced: Curve, nasal: Curve, consonants: Curve) -> None:
    """Marks where a note is voiced, nasal or noisy; adds to the given curves."""
    vowel_start = note.start_seconds + note.onset_seconds
    # a phrase ends a moment before its breath
    vowel_stop = note.stop_seconds - (0.04 if note.closes_phrase else 0.0)
    onset = (times >= note.start_seconds) & (times < vowel_start)
    voiced[(times >= vowel_start) & (times < vowel_stop)] = 1.0
    if note.onset == "n":
        voiced[onset], nasal[onset] = 1.0, 1.0
    elif note.onset:
        noisy = onset
        if note.onset == "t":
            noisy = onset & (times >= note.start_seconds + CLOSURE_SHARE * note.onset_seconds)
        consonants[noisy, CONSONANTS.index(note.onset)] = 0.4 + 0.6 * note.effort


def _pitch_gestures(singer: SyntheticSinger, note: Note, times: Curve, phase: float) -> Curve:
    """Vibrato that grows within the note, and the scoop into a phrase; semitones, (frames,)."""
    age = times - note.start_seconds
    inside = (age >= 0) & (times < note.stop_seconds)
    grown = np.clip((age - singer.vibrato_onset_seconds) / 0.35, 0.0, 1.0)
    leaving = np.clip((note.stop_seconds - times) / 0.08, 0.0, 1.0)
    rate = 2.0 * np.pi * singer.vibrato_hz
    # the rate rises by some per cent towards the end of a note (Prame, J. Acoust. Soc. Am. 96, 1994)
    swing = np.sin(rate * age * (1.0 + 0.02 * age) + phase)
    vibrato = singer.vibrato_semitones * (3.0 - 2.0 * grown) * grown**2 * leaving * swing
    scoop = singer.scoop_semitones * np.exp(-np.maximum(age, 0.0) / 0.06) if note.opens_phrase else 0.0
    return np.asarray(np.where(inside, vibrato - scoop, 0.0))


def _smoothed(curve: Curve, width: int) -> Curve:
    """Moving average under a Hann window of `2 * width - 1` frames, edges held."""
    if width < 2:
        return curve
    kernel = np.hanning(2 * width + 1)[1:-1]
    padded = np.pad(curve, width - 1, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
