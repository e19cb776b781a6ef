"""A synthetic singer whose pitch-shifted take is known exactly: the judge's ideal output.

    y(t) = sum_k |A_k| cos(k phase(t) + arg A_k) + noise(t),   A_k = amplitude source(k f0) tract(k f0)

Shifting the pitch by `pitch_ratio` is rendering the same voice at `pitch_ratio` f0: the lines of the
spectrum move, the envelope (source and tract) and the noise (breath, consonants) stay.

Tract: cascade of resonators, Klatt 1980 ("Software for a cascade/parallel formant synthesizer"); vowels:
mean formants of men, Peterson and Barney 1952.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.signal
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 44_100
SAMPLES = 176_400  # 4 s: the papers' clip
HOP_SAMPLES = 44  # one control frame a millisecond
FRAMES = SAMPLES // HOP_SAMPLES + 2  # one more than begins inside the clip: samples interpolate between two
HIGHEST_LINE_HZ = 20_000.0
LOW_VOICE_BELOW_MIDI = 59.5  # 254 Hz: where the tables part low voices from high ones

VOWELS_HZ = {
    "a": (730, 1090, 2440, 3400, 4300),
    "e": (530, 1840, 2480, 3500, 4400),
    "i": (290, 2290, 3010, 3600, 4500),
    "o": (480, 880, 2410, 3300, 4300),
    "u": (320, 870, 2240, 3300, 4300),
}
BANDWIDTHS_HZ = (70, 90, 120, 150, 200)

Array = NDArray[np.float64]


class Sung(NamedTuple):
    """A note that moves to another vowel and, around its middle, to another pitch."""

    seconds: float
    vowels: str  # from, to
    from_midi: float
    to_midi: float
    glide: float = 0.15  # share of the note that the change of pitch takes


class Hiss(NamedTuple):
    """An unvoiced consonant."""

    seconds: float


class Rest(NamedTuple):
    """Silence."""

    seconds: float


@dataclass(frozen=True)
class OracleVoice:
    """What is sung and by whom; `seed` is that of breath, jitter and the vibrato's phase."""

    name: str
    segments: tuple[Sung | Hiss | Rest, ...]
    formant_scale: float = 1.0  # 1: a man's vocal tract; 1.17: a woman's
    vibrato_hz: float = 5.5
    vibrato_cents: float = 60.0
    aspiration_db: float = -38.0  # breath, relative to the voiced sound
    jitter_cents: float = 2.0
    seed: int = 0

    @property
    def is_low(self) -> bool:
        """Whether the (geometric) mean F0 is under some 250 Hz."""
        notes = [s for s in self.segments if isinstance(s, Sung)]
        return float(np.mean([(n.from_midi + n.to_midi) / 2 for n in notes])) < LOW_VOICE_BELOW_MIDI


class Truth(NamedTuple):
    """What a rendering is made of, a row per control frame (every HOP_SAMPLES samples)."""

    f0_hz: Array  # (frames,), held through what is not voiced
    voiced: NDArray[np.bool_]  # (frames,)
    amplitude: Array  # (frames,) of the voiced sound, in [0, 1]
    formants_hz: Array  # (frames, formants)
    bandwidths_hz: Array  # (frames, formants)
    frication: Array  # (frames,) level of the consonant, in [0, 1]
    gain: float  # of the whole waveform; one voice has one, whatever the pitch ratio

    def envelope_at(self, frame: int, frequencies_hz: Array) -> Array:
        """Amplitude that a harmonic at these frequencies has in this frame; (lines,) to (lines,)."""
        tract = vocal_tract(frequencies_hz, self.formants_hz[frame], self.bandwidths_hz[frame])
        return np.abs(glottal_source(frequencies_hz) * tract) * self.amplitude[frame] * self.gain


def vocal_tract(frequencies_hz: Array, formants_hz: Array, bandwidths_hz: Array) -> NDArray[np.complex128]:
    """Cascade of resonators with gain 1 at 0 Hz; (..., lines) with (..., formants) to (..., lines)."""
    squared = frequencies_hz**2
    denominator = np.ones(squared.shape, np.complex128)
    for i in range(formants_hz.shape[-1]):
        bandwidth = bandwidths_hz[..., i, None]
        norm = formants_hz[..., i, None] ** 2 + (bandwidth / 2) ** 2
        denominator = denominator * (1 - squared / norm + 1j * frequencies_hz * (bandwidth / norm))
    return 1 / denominator


def glottal_source(frequencies_hz: Array) -> NDArray[np.complex128]:
    """Derivative of a glottal flow: +6 dB an octave below 180 Hz, -6 dB above."""
    return (1j * frequencies_hz / 100) / (1 + 1j * frequencies_hz / 180) ** 2


def render(
    voice: OracleVoice, pitch_ratio: float = 1.0, first_cycles: float = 0.0
) -> tuple[NDArray[np.float32], Truth]:
    """The voice at `pitch_ratio` times its F0: (samples,) float32 at 44.1 kHz, and what it is made of.

    With `first_cycles` its pulses lie that much of a period elsewhere, consonants and breath in their place.
    It is as good a take: which phase a note begins with at another pitch, no listener and no method can know.
    """
    original = _original(voice)
    truth = original.truth._replace(f0_hz=original.truth.f0_hz * pitch_ratio)
    is_original = pitch_ratio == 1 and first_cycles == 0
    sung = original.sung if is_original else _sung_sound(truth, first_cycles)
    return (truth.gain * (sung + original.noise)).astype(np.float32), truth


def render_truth(voice: OracleVoice, truth: Truth) -> NDArray[np.float32]:
    """A take of another truth, whose breath and consonants are as loud beside the voice, and new."""
    sung = _sung_sound(truth)
    noise = _noise(voice, truth, sung, np.random.default_rng((voice.seed, 1)))
    return (truth.gain * (sung + noise)).astype(np.float32)


def render_cached(voice: OracleVoice, pitch_ratio: float, folder: Path) -> tuple[NDArray[np.float32], Truth]:
    """`render`, kept in `folder` under a name that changes with the voice, the ratio and this file."""
    key = repr((voice, pitch_ratio)).encode() + Path(__file__).read_bytes()
    path = folder / f"{voice.name}-{pitch_ratio:.4f}-{hashlib.sha256(key).hexdigest()[:16]}.npz"
    if path.exists():
        with np.load(path) as kept:
            return kept["waveform"], Truth(*(kept[n] for n in Truth._fields[:-1]), float(kept["gain"]))
    waveform, truth = render(voice, pitch_ratio)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, waveform=waveform, **truth._asdict())
    return waveform, truth


class _Original(NamedTuple):
    truth: Truth
    sung: Array  # (samples,)
    noise: Array  # (samples,): breath and consonants, the same at every pitch


@lru_cache(maxsize=2)
def _original(voice: OracleVoice) -> _Original:
    rng = np.random.default_rng(voice.seed)
    truth = _control_frames(voice, rng)
    sung = _sung_sound(truth)
    noise = _noise(voice, truth, sung, rng)
    # Half of full scale: a shifted line may meet a resonance and be louder.
    return _Original(truth._replace(gain=0.5 / float(np.abs(sung + noise).max())), sung, noise)


def _noise(voice: OracleVoice, truth: Truth, sung: Array, rng: np.random.Generator) -> Array:
    breath, consonants = _breath(truth, rng), _consonants(truth, rng)
    level = _rms(sung, truth.amplitude > 0.5)
    noise = breath * 10 ** (voice.aspiration_db / 20) * level / _rms(breath, truth.amplitude > 0.5)
    if np.any(truth.frication > 0.2):
        noise = noise + consonants * 0.12 * level / _rms(consonants, truth.frication > 0.2)
    return noise


def _control_frames(voice: OracleVoice, rng: np.random.Generator) -> Truth:
    formants = {vowel: _formants(vowel, voice.formant_scale) for vowel in VOWELS_HZ}
    current = formants["a"]
    f0_hz, amplitude, frication = np.zeros(FRAMES), np.zeros(FRAMES), np.zeros(FRAMES)
    tract_hz = np.zeros((FRAMES, *current.shape))  # (frames, formants, [frequency, bandwidth])
    seconds = 0.0
    for segment in voice.segments:
        first = _frame_at(seconds)
        seconds += segment.seconds
        inside = slice(first, min(FRAMES, _frame_at(seconds)))
        length = inside.stop - first
        if length <= 0:
            break
        position = (np.arange(length) + 0.5) / length  # in (0, 1)
        tract_hz[first:] = current
        if isinstance(segment, Sung):
            start, current = (formants[vowel] for vowel in segment.vowels)
            tract_hz[inside] = start + _ease(position, 0.3, 0.4)[:, None, None] * (current - start)
            step = segment.to_midi - segment.from_midi
            midi = segment.from_midi + step * _ease(position, 0.475 - segment.glide / 2, segment.glide)
            f0_hz[inside] = 440 * 2 ** ((midi - 69) / 12)
            fade = np.sin(np.pi / 2 * _fade(length, 0.03)) ** 2
            amplitude[inside] = fade * (0.8 + 0.2 * np.sin(np.pi * position))
        elif isinstance(segment, Hiss):
            frication[inside] = _fade(length, 0.02)
    tract_hz[min(FRAMES, _frame_at(seconds)) :] = current
    f0_hz = _with_vibrato(f0_hz, voice, rng)
    voiced = (f0_hz > 0) & (amplitude > 0.05)
    held_hz = np.interp(np.arange(FRAMES), np.flatnonzero(f0_hz), f0_hz[f0_hz > 0])
    return Truth(held_hz, voiced, amplitude, tract_hz[..., 0], tract_hz[..., 1], frication, 1.0)


def _with_vibrato(f0_hz: Array, voice: OracleVoice, rng: np.random.Generator) -> Array:
    seconds = np.arange(FRAMES) * HOP_SAMPLES / SAMPLE_RATE_HZ
    cents = voice.vibrato_cents * np.sin(2 * np.pi * voice.vibrato_hz * seconds + voice.seed)
    if voice.jitter_cents > 0:
        cents += voice.jitter_cents * scipy.signal.lfilter([0.2], [1, -0.8], rng.standard_normal(FRAMES))
    return f0_hz * 2 ** (cents / 1200)


def _formants(vowel: str, scale: float) -> Array:
    """(formants, 2): frequencies and bandwidths, up to 19.5 kHz in every vowel."""
    lowest_fifth_hz = min(frequencies[-1] for frequencies in VOWELS_HZ.values())
    above = int(np.ceil((19_500 / scale - lowest_fifth_hz) / 1000))
    higher_hz = VOWELS_HZ[vowel][-1] + 1000 * np.arange(1, above + 1)
    frequencies_hz = scale * np.concatenate([VOWELS_HZ[vowel], higher_hz])
    return np.stack([frequencies_hz, np.concatenate([BANDWIDTHS_HZ, 250 + 40 * np.arange(above)])], axis=1)


def _frame_at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ / HOP_SAMPLES)


def _ease(position: Array, start: float, length: float) -> Array:
    """Half a cosine from 0 to 1."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((position - start) / length, 0, 1))


def _fade(length: int, fade_seconds: float) -> Array:
    """Ramps at both ends of `length` frames."""
    distance = np.minimum(np.arange(length) + 1, length - np.arange(length))
    return np.minimum(1, distance * HOP_SAMPLES / SAMPLE_RATE_HZ / fade_seconds)


def _sung_sound(truth: Truth, first_cycles: float = 0.0, block: int = 64) -> Array:
    """The sum of the lines, `block` control frames at a time: that much stays in the cache."""
    f0_hz = np.interp(np.arange(SAMPLES), np.arange(FRAMES) * HOP_SAMPLES, truth.f0_hz)
    circle = np.ones((FRAMES - 1) * HOP_SAMPLES, np.complex128)
    circle[:SAMPLES] = np.exp(2j * np.pi * (np.cumsum(f0_hz) / SAMPLE_RATE_HZ + first_cycles))
    circle = circle.reshape(FRAMES - 1, HOP_SAMPLES)
    sound = np.zeros(circle.shape)
    for first in range(0, FRAMES - 1, block):
        frames = slice(first, first + block + 1)  # and the next block's first, to interpolate towards
        if not truth.amplitude[frames].any():
            continue
        f0 = truth.f0_hz[frames, None]
        lines_hz = f0 * np.arange(1, int(HIGHEST_LINE_HZ / f0.min()) + 1)
        lines = glottal_source(lines_hz) * truth.amplitude[frames, None]
        lines *= vocal_tract(lines_hz, truth.formants_hz[frames], truth.bandwidths_hz[frames])
        lines *= np.clip((HIGHEST_LINE_HZ - lines_hz) / 1000, 0, 1)  # a line that leaves the band fades
        sound[first : first + block] = _sum_lines(lines, circle[first : first + block])
    return sound.reshape(-1)[:SAMPLES]


def _sum_lines(lines: NDArray[np.complex128], circle: NDArray[np.complex128]) -> Array:
    """Real part of sum_k lines[:, k - 1] circle^k by Horner's rule, lines interpolated between frames."""
    fraction = np.arange(HOP_SAMPLES) / HOP_SAMPLES
    total = np.zeros_like(circle)
    for line in lines.T[::-1]:
        total += line[:-1, None] + (line[1:] - line[:-1])[:, None] * fraction
        total *= circle
    return total.real


def _breath(truth: Truth, rng: np.random.Generator) -> Array:
    def spectrum(frequencies_hz: Array, frames: NDArray[np.int64]) -> Array:
        tract = vocal_tract(frequencies_hz[None], truth.formants_hz[frames], truth.bandwidths_hz[frames])
        return np.abs(tract) / (1 + frequencies_hz / 3000) * truth.amplitude[frames, None]

    return _shaped_noise(spectrum, rng)


def _consonants(truth: Truth, rng: np.random.Generator) -> Array:
    def spectrum(frequencies_hz: Array, frames: NDArray[np.int64]) -> Array:
        return np.exp(-0.5 * ((frequencies_hz - 6500) / 2200) ** 2) * truth.frication[frames, None]

    return _shaped_noise(spectrum, rng)


def _shaped_noise(spectrum, rng: np.random.Generator) -> Array:
    """White noise times `spectrum(frequencies_hz (bins,), control frames (n,)) -> (n, bins)`."""
    window = {"fs": SAMPLE_RATE_HZ, "nperseg": 1024, "noverlap": 768}
    white = rng.standard_normal(SAMPLES)
    frequencies_hz, seconds, bins = scipy.signal.stft(white, **window, boundary="zeros")
    frames = np.clip((seconds * SAMPLE_RATE_HZ / HOP_SAMPLES).astype(int), 0, FRAMES - 1)
    return scipy.signal.istft(bins * spectrum(frequencies_hz, frames).T, **window)[1][:SAMPLES]


def _rms(waveform: Array, where: NDArray[np.bool_]) -> float:
    """Of the samples in control frames `where`."""
    return float(np.sqrt(np.mean(waveform[np.repeat(where, HOP_SAMPLES)[:SAMPLES]] ** 2)))
