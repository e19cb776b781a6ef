"""Figures of one pitch-shifted take, against the oracle's ideal and the truth it is made of.

F0, level and envelope come from the harmonics: every 20 ms of steady voice, A_k is read off the spectrum at
k f0 (Hann window of 4 periods, f0 refined within +-100 cents) and compared with the true envelope there.

    d_k = 20 log10 A_k / envelope(k f0)        level_db = mean d_k        lsd_db = rms (d_k - median d)

Identical voices do not give exactly 0: each table has the oracle's own row, the floor of this ruler.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from benchmarks.quality.oracle_voice import HOP_SAMPLES, SAMPLE_RATE_HZ, Truth

FRAME_STEP = round(0.02 * SAMPLE_RATE_HZ / HOP_SAMPLES)  # control frames between two judged ones
GROSS_CENTS = 50.0
TRACK_HOP_SAMPLES = 512
_FLOOR = 1e-7  # amplitude: -140 dB, so that silence has a level

Array = NDArray[np.float64]


class ShiftFigures(NamedTuple):
    """What `judge` returns; every figure is better the nearer it is to the oracle's own."""

    f0_median_cents: float
    f0_p90_cents: float
    gross_error_percent: float  # share of frames more than 50 cents off
    lsd5_db: float  # envelope error at the harmonics under 5 kHz
    lsd10_db: float  # and under 10 kHz
    level_db: float
    level_std_db: float  # how much the level wanders
    mcd_db: float  # mel-cepstral distance to the ideal take
    mcd_leveled_db: float  # and with both takes at one RMS: level is another figure's matter
    unvoiced_snr_db: float  # of consonants, against the ideal take; NaN where the voice has none
    unvoiced_level_db: float
    hnr_db: float  # harmonics to what lies between them
    clicks: int  # 10 ms windows with far more energy over 14 kHz than the ideal take
    clicks_alone: int  # and than its windows that are up to 10 ms away


def judge(waveform: NDArray[np.float32], ideal: NDArray[np.float32], truth: Truth) -> ShiftFigures:
    """All figures of `waveform` (samples,), whose ideal is the oracle's render `ideal`, made of `truth`.

    A shorter waveform is padded with silence, a longer one cut.
    """
    sound = np.zeros(ideal.size)
    sound[: min(ideal.size, waveform.size)] = waveform[: ideal.size]
    target = ideal.astype(np.float64)
    snr_db, level_db = unvoiced_fidelity(sound, target, truth)
    return ShiftFigures(
        *harmonic_figures(sound, truth),
        mcd_db=mel_cepstral_distance_db(sound, target),
        mcd_leveled_db=mel_cepstral_distance_db(sound * _rms(target) / max(_rms(sound), _FLOOR), target),
        unvoiced_snr_db=snr_db,
        unvoiced_level_db=level_db,
        hnr_db=harmonic_to_noise_db(sound, truth),
        clicks=count_clicks(sound, target),
        clicks_alone=count_clicks(sound, target, around_samples=441),
    )


def harmonic_figures(waveform: Array, truth: Truth) -> tuple[float, float, float, float, float, float, float]:
    """(F0 median, p90, gross; LSD under 5 and 10 kHz; level, its standard deviation)."""
    cents, levels, lsd5, lsd10 = [], [], [], []
    for frame in steady_frames(truth, around_seconds=0.03):
        lines = _read_lines(waveform, frame, truth.f0_hz[frame])
        if lines is None:
            continue
        off_cents, amplitudes, lines_hz = lines
        cents.append(abs(off_cents))
        envelope_db = _decibels(truth.envelope_at(frame, lines_hz))
        difference_db = _decibels(amplitudes) - envelope_db
        nominal_hz = truth.f0_hz[frame] * np.arange(1, lines_hz.size + 1)
        audible = envelope_db > envelope_db.max() - 60
        under_5_khz = difference_db[audible & (nominal_hz < 5_000)]
        if under_5_khz.size:
            levels.append(under_5_khz.mean())
            lsd5.append(_spread(under_5_khz))
            lsd10.append(_spread(difference_db[audible & (nominal_hz < 10_000)]))
    return (
        float(np.median(cents)),
        float(np.percentile(cents, 90)),
        100 * float(np.mean(np.array(cents) > GROSS_CENTS)),
        float(np.mean(lsd5)),
        float(np.mean(lsd10)),
        float(np.mean(levels)),
        float(np.std(levels)),
    )


def steady_frames(truth: Truth, around_seconds: float, step: int = FRAME_STEP) -> range | list[int]:
    """Control frames, 20 ms or `step` apart, that are voiced, and not fading, for so long on both sides."""
    half = int(around_seconds * SAMPLE_RATE_HZ / HOP_SAMPLES)
    steady = truth.voiced & (truth.amplitude >= 0.6)
    candidates = range(FRAME_STEP, steady.size - FRAME_STEP, step)
    return [c for c in candidates if half <= c < steady.size - half and steady[c - half : c + half].all()]


def _read_lines(waveform: Array, frame: int, f0_hz: float) -> tuple[float, Array, Array] | None:
    """(cents off, amplitudes (lines,), their frequencies) around a frame; None at the clip's edges."""
    length = round(max(4 * SAMPLE_RATE_HZ / f0_hz, 0.02 * SAMPLE_RATE_HZ)) | 1
    first = frame * HOP_SAMPLES - length // 2
    if first < 0 or first + length > waveform.size:
        return None
    window = np.hanning(length)
    piece = waveform[first : first + length] * window
    lines = min(int(10_000 / f0_hz), 60)
    grid_cents = np.arange(-100.0, 101.0, 10.0)
    power = np.abs(_spectrum_at_multiples(piece, f0_hz * 2 ** (grid_cents / 1200), min(lines, 10))) ** 2
    cents = _parabolic_peak(grid_cents, power.sum(axis=0))
    refined_hz = f0_hz * 2 ** (cents / 1200)
    amplitudes = np.abs(_spectrum_at_multiples(piece, np.array([refined_hz]), lines))[:, 0] * 2 / window.sum()
    return cents, amplitudes, refined_hz * np.arange(1, lines + 1)


def _spectrum_at_multiples(piece: Array, f0_hz: Array, lines: int) -> NDArray[np.complex128]:
    """sum_n piece[n] e^{-2 pi i k f0 n / rate}, k = 1..lines; (candidates,) to (lines, candidates)."""
    time = np.arange(piece.size) - piece.size // 2
    circle = np.exp(-2j * np.pi * f0_hz[:, None] / SAMPLE_RATE_HZ * time)  # (candidates, samples)
    spectrum = np.empty((lines, f0_hz.size), np.complex128)
    power = np.ones_like(circle)
    for k in range(lines):
        power *= circle
        spectrum[k] = power @ piece
    return spectrum


def _parabolic_peak(positions: Array, values: Array) -> float:
    best = int(np.argmax(values))
    if not 0 < best < positions.size - 1:
        return float(positions[best])
    before, peak, after = values[best - 1 : best + 2]
    offset = (before - after) / (2 * (before - 2 * peak + after) + 1e-30)
    return float(positions[best] + offset * (positions[1] - positions[0]))


def _decibels(amplitudes: Array) -> Array:
    return 20 * np.log10(amplitudes + _FLOOR)


def _rms(waveform: Array) -> float:
    return float(np.sqrt(np.mean(waveform**2)))


def _spread(difference_db: Array) -> float:
    """Root mean square around the median: a level that is off is not an envelope that is off."""
    return float(np.sqrt(np.mean((difference_db - np.median(difference_db)) ** 2)))


def mel_cepstral_distance_db(waveform: Array, ideal: Array) -> float:
    """Mean over the ideal's audible frames of the distance of mel cepstra 1..24.

    Coefficient 0, the level, is left out; but the floor of -90 dB does not move with the sound, so each dB of
    level still costs 0.5 dB: a third of an oracle take's audible frames lies under that floor.
    """
    mel, target = _mel_power(waveform), _mel_power(ideal)  # (mels, frames)
    audible = target.sum(axis=0) > 1e-5 * target.sum(axis=0).max()
    difference_db = 10 * np.log10(mel + 1e-9) - 10 * np.log10(target + 1e-9)
    cepstrum = scipy.fft.dct(difference_db[:, audible], axis=0, norm="ortho")[1:25]
    return float(np.mean(np.sqrt(2 / mel.shape[0] * np.sum(cepstrum**2, axis=0))))


def _mel_power(waveform: Array) -> Array:
    spectrum = scipy.signal.stft(waveform, SAMPLE_RATE_HZ, nperseg=2048, noverlap=2048 - 441)[2]
    return _mel_filters() @ np.abs(spectrum) ** 2


@cache
def _mel_filters(n_fft: int = 2048, mels: int = 80, low_hz: float = 40, high_hz: float = 16_000) -> Array:
    """Triangles of peak 1, equally spaced in 2595 log10(1 + f / 700); (mels, bins)."""
    edges = np.linspace(*(2595 * np.log10(1 + hz / 700) for hz in (low_hz, high_hz)), mels + 2)
    left, centre, right = (700 * (10 ** (edges[i : i + mels, None] / 2595) - 1) for i in range(3))
    bins_hz = np.arange(n_fft // 2 + 1) * SAMPLE_RATE_HZ / n_fft
    rising, falling = (bins_hz - left) / (centre - left), (right - bins_hz) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling))


def unvoiced_fidelity(waveform: Array, ideal: Array, truth: Truth) -> tuple[float, float]:
    """(SNR, level) in dB inside consonants, which a shift of pitch should not touch; NaN without any."""
    hissing = np.repeat((truth.frication > 0.5) & ~truth.voiced, HOP_SAMPLES)[: ideal.size]
    inside = np.convolve(hissing, np.ones(441) / 441, "same") > 0.99
    if not inside.any():
        return float("nan"), float("nan")
    wanted = np.sum(ideal[inside] ** 2)
    level_db = 10 * np.log10(np.sum(waveform[inside] ** 2) / wanted + 1e-20)
    return snr_db(waveform[inside], ideal[inside]), float(level_db)


def harmonic_to_noise_db(waveform: Array, truth: Truth) -> float:
    """Energy at the first 12 harmonics over the energy between them, up to 16 periods at a time.

    Each piece is resampled to a constant 256 samples a period of the true F0, so vibrato does not smear.
    """
    half = int(0.06 * SAMPLE_RATE_HZ / HOP_SAMPLES)
    f0_hz = np.interp(np.arange(waveform.size), np.arange(truth.f0_hz.size) * HOP_SAMPLES, truth.f0_hz)
    ratios_db = []
    for frame in steady_frames(truth, around_seconds=0.06, step=2 * FRAME_STEP):
        piece = slice((frame - half) * HOP_SAMPLES, (frame + half) * HOP_SAMPLES)
        phase = np.cumsum(f0_hz[piece]) / SAMPLE_RATE_HZ
        periods = min(int(phase[-1] - phase[0]), 16)
        if periods < 4:
            continue
        steady = np.interp(phase[0] + np.arange(periods * 256) / 256, phase, waveform[piece])
        power = np.abs(np.fft.rfft(steady * np.hanning(steady.size))) ** 2
        lines = sum(power[k * periods - 1 : k * periods + 2].sum() for k in range(1, 13))
        total = power[periods // 2 : 12 * periods + periods // 2].sum()
        ratios_db.append(10 * np.log10(max(lines, 1e-20) / max(total - lines, 1e-20)))
    return float(np.mean(ratios_db))


def count_clicks(waveform: Array, ideal: Array, around_samples: int = 0) -> int:
    """10 ms windows whose mean size over 14 kHz is 4 times the ideal's there plus its quiet windows'.

    Under 100 Hz a window is shorter than a period: there pulses count that fall beside the ideal's, though
    they are as soft as these, be it the oracle's own voice with its pulses half a period on. With
    `around_samples` the ideal's loudest window within that distance is what a window is held against: what
    then remains is heard as no pulse of the voice.
    """
    high_pass = scipy.signal.butter(4, 14_000, "high", fs=SAMPLE_RATE_HZ, output="sos")

    def size(sound: Array) -> Array:
        average = np.ones(441) / 441
        return scipy.signal.lfilter(average, 1, np.abs(scipy.signal.sosfilt(high_pass, sound)))[441:]

    wanted = size(ideal)
    nearby = scipy.ndimage.maximum_filter1d(wanted, 2 * around_samples + 1)
    threshold = 4 * (nearby + np.percentile(wanted, 20)) + 1e-6  # -120 dB clicks for nobody
    return int(np.sum((size(waveform) > threshold)[::441]))


def snr_db(waveform: Array, reference: Array) -> float:
    """Of `waveform` taken as `reference` plus noise: identity at ratio 1, or one run against another."""
    noise = np.sum((np.asarray(waveform, np.float64) - reference) ** 2)
    signal = np.sum(np.asarray(reference, np.float64) ** 2)
    return float(10 * np.log10(signal / noise)) if noise > 0 else float("inf")


class TrackFigures(NamedTuple):
    """What `judge_track` returns."""

    median_cents: float
    p90_cents: float
    gross_error_percent: float  # of frames that are voiced in both
    voiced_to_unvoiced_percent: float  # voiced frames missed
    unvoiced_to_voiced_percent: float  # unvoiced frames taken for voiced; NaN where there is none


def judge_track(f0_hz: Array, truth: Truth) -> TrackFigures:
    """Figures of an F0 track, (frames,) in Hz, frame j centred at sample 512 j, 0 where unvoiced.

    Frames that fade in or out (amplitude under 0.3) count neither as voiced nor as unvoiced.
    """
    at = np.arange(f0_hz.size) * TRACK_HOP_SAMPLES / HOP_SAMPLES
    frames = np.arange(truth.f0_hz.size)
    true_hz = np.interp(at, frames, truth.f0_hz)
    voiced = np.interp(at, frames, truth.voiced & (truth.amplitude > 0.3)) > 0.99
    unvoiced = np.interp(at, frames, truth.voiced) < 0.01
    both = voiced & (f0_hz > 0)
    off_cents = np.abs(1200 * np.log2(f0_hz[both] / true_hz[both]))
    found = bool(both.any())
    return TrackFigures(
        float(np.median(off_cents)) if found else float("inf"),
        float(np.percentile(off_cents, 90)) if found else float("inf"),
        100 * float(np.mean(off_cents > GROSS_CENTS)) if found else 100.0,
        100 * float(np.mean(f0_hz[voiced] <= 0)),
        100 * float(np.mean(f0_hz[unvoiced] > 0)) if unvoiced.any() else float("nan"),
    )
