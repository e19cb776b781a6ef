"""synthesize: a synthetic singer's performance as samples.

    voice  = sum over glottal cycles k of amplitude_k * ifft(pulse(f) H(f) e^(-j 2 pi f t_k))
    breath = noise, louder while the folds are open, filtered by H frame by frame
    y      = 0.5 * (voice + breath + consonants + room) / max |...|

Each cycle is placed at its exact time, in fractions of a sample, with a spectrum that ends below the Nyquist
frequency: nothing aliases, and jitter and shimmer are true to each cycle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.data.synthetic.draws import Draws
from singerprint.data.synthetic.performance import Curves, perform
from singerprint.data.synthetic.score import draw_score
from singerprint.data.synthetic.source import consonant_spectra, glottal_spectra
from singerprint.data.synthetic.tract import vocal_tract
from singerprint.data.synthetic.voice import SyntheticSinger

__all__ = ["synthesize"]

FRAME_SECONDS = 0.005
# a formant of 45 Hz bandwidth has fallen by 42 dB after 35 ms
PULSE_SECONDS = 0.046
# closure of the folds within a pulse's block: the open phase before it takes 9 ms at most
CLOSURE_SHARE = 0.25
PULSES_AT_ONCE = 256
# timing to 1/64 sample: a tenth of a per cent of the jitter of the steadiest voice
FRACTIONS = 64
PEAK = 0.5
NOISE_PURPOSE = 19
INTAKE_DB = -32.0
ROOM_DB = (-66.0, -54.0)
BREATH_MODULATION = 0.7
MOUTH_HZ = 4000.0
MOUTH_SHARE = 0.4
LOWEST_RATE_HZ = 8000
# the first vowel has begun by then
SHORTEST_SECONDS = 0.5
# one spectrum per frame: 3 MB a second
LONGEST_SECONDS = 60.0

Samples = npt.NDArray[np.float32]
Signal = npt.NDArray[np.float64]


class Stage(NamedTuple):
    """What the parts of the sound are made from.

    Attributes:
        singer: Who sings.
        curves: What is done, one value per frame.
        tract: (frames, bins) transfer function of the vocal tract.
        frequencies_hz: (bins,).
        phase: (samples,) glottal cycles since the start.
        hop: Samples from frame to frame.
    """

    singer: SyntheticSinger
    curves: Curves
    tract: npt.NDArray[np.complex64]
    frequencies_hz: Signal
    phase: Signal
    hop: int


def synthesize(
    singer: SyntheticSinger, seconds: float = 6.0, sample_rate_hz: int = 44100, seed: int = 0
) -> Samples:
    """Sings a random melody with a synthetic voice.

    Args:
        singer: Who sings.
        seconds: Length, in [0.5, 60].
        sample_rate_hz: Sample rate, at least 8000.
        seed: Seed of melody, vowels, consonants, dynamics and noise; no singer has a say in them.

    Returns:
        (samples,) float32, samples = round(seconds * sample_rate_hz), largest magnitude 0.5. The same for the
        same arguments.

    Raises:
        ValueError: `seconds` or `sample_rate_hz` is out of range.

    Example:
        >>> from singerprint.data.synthetic import draw_singer
        >>> synthesize(draw_singer(0, 0), seconds=1.0).shape
        (44100,)
    """
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        rule = f"seconds must lie in [{SHORTEST_SECONDS:g}, {LONGEST_SECONDS:g}]"
        raise ValueError(f"synthesize: {rule}, got {seconds}")
    if sample_rate_hz < LOWEST_RATE_HZ:
        rule = f"sample_rate_hz must be at least {LOWEST_RATE_HZ}"
        raise ValueError(f"synthesize: {rule}, got {sample_rate_hz}")
    samples = round(seconds * sample_rate_hz)
    hop = round(FRAME_SECONDS * sample_rate_hz)
    frames = 2 * (samples // (2 * hop) + 2)
    curves = perform(singer, draw_score(seed, seconds), frames, sample_rate_hz / hop, seed)
    block = 2 ** math.ceil(math.log2(PULSE_SECONDS * sample_rate_hz))
    frequencies_hz = sample_rate_hz / block * np.arange(block // 2 + 1, dtype=np.float64)
    phase = _phase(curves.pitch_hz, samples, hop, sample_rate_hz)
    tract = vocal_tract(singer, curves, frequencies_hz)
    stage = Stage(singer, curves, tract, frequencies_hz, phase, hop)
    draws = Draws(seed, NOISE_PURPOSE)
    voice = _voice(stage, draws)
    mixed = voice + _loud_rms(voice) * _noises(stage, draws)
    return np.asarray(PEAK / np.abs(mixed).max() * mixed, dtype=np.float32)


def _phase(pitch_hz: Signal, samples: int, hop: int, sample_rate_hz: int) -> Signal:
    """Glottal cycles since the start, (samples,)."""
    sample_pitch_hz = np.interp(np.arange(samples), hop * np.arange(len(pitch_hz)), pitch_hz)
    return np.asarray(np.cumsum(sample_pitch_hz) / sample_rate_hz)


def _voice(stage: Stage, draws: Draws) -> Signal:
    """The voiced sound, (samples,)."""
    singer, curves, tract, frequencies_hz, phase, hop = stage
    cycles = np.arange(1, max(2, int(phase[-1])), dtype=np.float64)
    # two neighbouring times of independent error make one cycle's length
    cycles += singer.jitter_ratio / math.sqrt(2.0) * draws.normal(len(cycles))
    times = np.interp(cycles, phase, np.arange(len(phase)))
    amplitudes = np.interp(times, hop * np.arange(len(curves.voiced)), curves.voiced)
    amplitudes *= 10.0 ** (singer.shimmer_db / 20.0 * draws.normal(len(cycles)))
    sounding = amplitudes > 1e-4
    times, amplitudes = times[sounding], amplitudes[sounding].astype(np.float32)
    ticks = np.round(times * FRACTIONS).astype(np.int64)
    frames = np.round(times / hop).astype(np.int64)
    spectra = glottal_spectra(singer, curves.pitch_hz, curves.effort, frequencies_hz)
    spectra *= tract
    spectra *= _band_limit(frequencies_hz)
    block = 2 * (len(frequencies_hz) - 1)
    closure = round(CLOSURE_SHARE * block)
    radians = 2.0 * math.pi / block * np.arange(len(frequencies_hz))
    delays = np.exp(-1j * np.outer(np.arange(FRACTIONS) / FRACTIONS + closure, radians)).astype(np.complex64)
    window = _pulse_window(block)
    padded = np.zeros(len(phase) + 2 * block)
    for first in range(0, len(times), PULSES_AT_ONCE):
        part = slice(first, first + PULSES_AT_ONCE)
        pulses = np.fft.irfft(spectra[frames[part]] * delays[ticks[part] % FRACTIONS], n=block, axis=1)
        pulses *= window * amplitudes[part, None]
        for start, pulse in zip(ticks[part] // FRACTIONS + block - closure, pulses, strict=True):
            padded[start : start + block] += pulse
    return padded[block : block + len(phase)]


def _noises(stage: Stage, draws: Draws) -> Signal:
    """Aspiration, consonants, breathing in and the room, (samples,), for a voice of RMS 1."""
    singer, curves, tract, frequencies_hz, phase, hop = stage
    octaves = np.log2(np.maximum(frequencies_hz, 125.0) / 1000.0)
    shape = 10.0 ** (singer.breath_slope_db * octaves / 20.0) * _band_limit(frequencies_hz)
    # every second frame is enough for noise
    throat = tract[::2] * shape.astype(np.float32)
    throat /= np.sqrt(np.mean(throat.real**2 + throat.imag**2, axis=1, keepdims=True))
    # some of the turbulence arises at teeth and lips, in front of the tract
    mouth = frequencies_hz**2 / (frequencies_hz**2 + MOUTH_HZ**2) * _band_limit(frequencies_hz)
    throat += (MOUTH_SHARE / np.sqrt(np.mean(mouth**2)) * mouth).astype(np.float32)
    # soft singing is breathier: the noise falls less than the voice
    aspiration = 10.0 ** (singer.breathiness_db / 20.0) * curves.voiced[::2] ** 0.7
    open_folds = 0.5 + 0.5 * np.cos(2.0 * math.pi * (phase + 0.5 * singer.open_quotient))
    modulation = 1.0 - BREATH_MODULATION + 1.6 * BREATH_MODULATION * open_folds
    white = draws.normal(len(phase))
    breath = _filtered(white * modulation, aspiration[:, None].astype(np.float32) * throat, 2 * hop)
    consonants = curves.consonants[::2].astype(np.float32) @ consonant_spectra(singer, frequencies_hz)
    gains = consonants * _band_limit(frequencies_hz)
    gains += (10.0 ** (INTAKE_DB / 20.0) * curves.breath[::2, None]).astype(np.float32) * np.abs(throat)
    room_db = draws.uniform(*ROOM_DB)
    room = 1.0 / np.sqrt(1.0 + frequencies_hz / 200.0)
    gains += (10.0 ** (room_db / 20.0) * room / np.sqrt(np.mean(room**2))).astype(np.float32)
    return breath + _filtered(draws.normal(len(phase)), gains, 2 * hop)


def _filtered(noise: Signal, gains: npt.NDArray[np.complex64] | npt.NDArray[np.float32], hop: int) -> Signal:
    """Filters noise by gains (frames, bins): overlap-add of Hann frames of 2 * hop, frame m about m * hop."""
    block = 2 * (gains.shape[1] - 1)
    frames = len(noise) // hop + 2
    padded = np.zeros((frames + 1) * hop)
    padded[hop : hop + len(noise)] = noise
    window = np.hanning(2 * hop + 1)[:-1]
    segments = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop] * window
    shaped = np.fft.irfft(np.fft.rfft(segments, n=block, axis=1) * gains[:frames], n=block, axis=1)
    result = np.zeros((frames + 1) * hop + block)
    for frame, segment in enumerate(shaped):
        result[frame * hop : frame * hop + block] += segment
    return result[hop : hop + len(noise)]


def _loud_rms(voice: Signal) -> float:
    """RMS of the loud fifth of the frames; of anything where nothing is voiced yet."""
    frames = np.array_split(voice, max(1, len(voice) // 1024))
    powers = np.array([np.mean(frame**2) for frame in frames])
    return max(math.sqrt(float(np.quantile(powers, 0.9))), 1e-6)


def _band_limit(frequencies_hz: Signal) -> npt.NDArray[np.float32]:
    """1 up to 0.85 of the Nyquist frequency, 0 from 0.95 on."""
    share = np.clip((frequencies_hz / frequencies_hz[-1] - 0.85) / 0.1, 0.0, 1.0)
    return np.asarray(np.cos(0.5 * math.pi * share) ** 2, dtype=np.float32)


def _pulse_window(block: int) -> npt.NDArray[np.float32]:
    """Fades both ends of a pulse's block, where the circular transform wraps around."""
    rise, fall = block // 32, block // 4
    window = np.ones(block)
    window[:rise] = np.sin(0.5 * math.pi * np.arange(rise) / rise) ** 2
    window[-fall:] = np.cos(0.5 * math.pi * np.arange(fall) / fall) ** 2
    return window.astype(np.float32)
