"""draw_crop_pair, draw_crop: two crops of one file, or one, drawn by address and away from silence.

    start[0] ~ uniform over [0, samples - crop_samples]                        both ends included
    start[1] ~ uniform over the same, at least `gap` away from start[0],
               gap = max(1, min(crop_samples // 8, (samples - crop_samples) // 4))
    crop = x[start, start + crop_samples) / max |x[start, start + crop_samples)|

A start is drawn again, up to TRIES times, while less than half of its 50 ms windows are active: RMS within 30
dB of the file's loud windows. The draws are Philox4x64-10 (Salmon et al., SC 2011) with key (seed, purpose)
and counter (block, view, epoch, clip id), so a crop depends on nothing but its address. Uniform crops,
peak-normalised each, are what the published recipe does (SonyCSLParis/ssl-singer-identity); the rest departs
from it: there crops could coincide, be silent, and never reach the end of the file.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from singerprint.data.audio import AudioError, AudioFile, Samples

__all__ = ["Crop", "DrawAddress", "FileActivity", "active_share", "draw_crop", "draw_crop_pair", "draw_words"]

TRIES = 8
WINDOW_SECONDS = 0.05
# Levels of 50 ms windows of real solo singing, relative to a file's 95th percentile, have two humps: notes
# above -25 dB, room noise and breaths below -35 dB. The valley lies between.
ACTIVE_RANGE_DB = 30.0
ACTIVE_SHARE = 0.5
# Below this nothing is sound: the dither of a 16-bit file lies at -90 dB.
SILENCE_DB = -80.0
# 16 windows spread over a file all miss its notes with probability 2^-16 where half of it is silence.
PROBES = 16
SCAN_SECONDS = 10.0
CROP_PURPOSE = 1


class Crop(NamedTuple):
    """A crop of a file.

    Attributes:
        samples: (samples,) float32, largest magnitude 1.
        start_samples: Where it begins in the file, at the reading rate.
        padded: True where the file is shorter than the crop and zeros follow it.
    """

    samples: Samples
    start_samples: int
    padded: bool


class DrawAddress(NamedTuple):
    """Where a draw is made: equal addresses give equal draws, unequal ones independent draws.

    Attributes:
        seed: Any integer; taken modulo 2^64.
        epoch: Epoch, >= 0.
        clip_id: Index of the clip, >= 0.
        view: View of the clip, >= 0.
    """

    seed: int
    epoch: int
    clip_id: int = 0
    view: int = 0


@dataclasses.dataclass
class FileActivity:
    """Where a file sounds, found once and kept; a pure function of the file.

    Attributes:
        loud_db: RMS level of the loudest of PROBES windows spread over the file; None until asked for.
        window_starts: First samples of all active windows; None until a scan of the whole file was needed.
    """

    loud_db: float | None = None
    window_starts: npt.NDArray[np.int64] | None = None


def draw_words(address: DrawAddress, purpose: int, count: int) -> npt.NDArray[np.uint64]:
    """Draws 64-bit words at an address; the same on every machine and NumPy version.

    Args:
        address: Where to draw.
        purpose: What the words are for: draws of different purposes are independent.
        count: How many words.

    Returns:
        (count,) uint64, uniform.
    """
    key = np.array([address.seed % 2**64, purpose], dtype=np.uint64)
    counter = np.array([0, address.view, address.epoch, address.clip_id], dtype=np.uint64)
    return np.asarray(np.random.Philox(key=key, counter=counter).random_raw(count), dtype=np.uint64)


def active_share(samples: Samples, sample_rate_hz: int, loud_db: float) -> float:
    """The share of 50 ms windows whose RMS lies within 30 dB of the loud ones.

    Args:
        samples: (samples,) float32.
        sample_rate_hz: Their rate.
        loud_db: Level of loud windows in the file; the crop's own 95th percentile counts where it is louder.

    Returns:
        A number in [0, 1]; 0 for silence.

    Example:
        >>> half = np.repeat(np.array([0.5, 0.0], dtype=np.float32), 8000)
        >>> active_share(half, 8000, loud_db=-6.0)
        0.5
    """
    levels_db = _window_levels_db(samples, sample_rate_hz)
    loud_db = max(loud_db, float(np.percentile(levels_db, 95)))
    return float(np.mean(levels_db > max(loud_db - ACTIVE_RANGE_DB, SILENCE_DB)))


def draw_crop_pair(
    file: AudioFile, crop_samples: int, address: DrawAddress, activity: FileActivity | None = None
) -> tuple[Crop, Crop]:
    """Draws two crops of a file, a pure function of the file, the length and the address.

    Only the candidate crops and a few short probes are read; the whole file is scanned only where TRIES
    candidates had no active window at all. A file no longer than a crop gives the same crop twice.

    Args:
        file: The file.
        crop_samples: Length of a crop at the file's reading rate, >= 1.
        address: Where to draw; its view is not looked at.
        activity: Kept between calls for the same file, saves the probes.

    Returns:
        The two crops.

    Raises:
        AudioError: The file is silent or cannot be decoded.

    Example:
        >>> file = AudioFile("song.flac", 44100)
        >>> first, second = draw_crop_pair(file, 176400, DrawAddress(seed=0, epoch=0))
        >>> first.samples.shape, abs(first.start_samples - second.start_samples) >= 176400 // 8
        ((176400,), True)
    """
    activity = FileActivity() if activity is None else activity
    if file.samples <= crop_samples:
        whole = _whole_file(file, crop_samples)
        return whole, whole
    first = _draw_crop(file, crop_samples, address._replace(view=0), None, activity)
    return first, _draw_crop(file, crop_samples, address._replace(view=1), first.start_samples, activity)


def draw_crop(
    file: AudioFile, crop_samples: int, address: DrawAddress, activity: FileActivity | None = None
) -> Crop:
    """Draws one crop of a file, a pure function of the file, the length and the address.

    Args:
        file: The file.
        crop_samples: Length of a crop at the file's reading rate, >= 1.
        address: Where to draw.
        activity: Kept between calls for the same file, saves the probes.

    Returns:
        The crop; a file no longer than it is padded.

    Raises:
        AudioError: The file is silent or cannot be decoded.

    Example:
        >>> file = AudioFile("song.flac", 44100)
        >>> draw_crop(file, 176400, DrawAddress(seed=0, epoch=0)).samples.shape
        (176400,)
    """
    if file.samples <= crop_samples:
        return _whole_file(file, crop_samples)
    return _draw_crop(file, crop_samples, address, None, FileActivity() if activity is None else activity)


def _draw_crop(
    file: AudioFile, crop_samples: int, address: DrawAddress, avoid: int | None, activity: FileActivity
) -> Crop:
    words = [int(word) for word in draw_words(address, CROP_PURPOSE, TRIES + 2)]
    if activity.loud_db is None:
        activity.loud_db = _probe_loud_db(file)
    best_share, best = 0.0, None
    for word in words[:TRIES]:
        start = _place(word, 0, file.samples - crop_samples, avoid, crop_samples)
        samples = file.read(start, crop_samples)
        share = active_share(samples, file.sample_rate_hz, activity.loud_db)
        if share > best_share:
            best_share, best = share, Crop(_peak_normalised(samples), start, False)
        if share >= ACTIVE_SHARE:
            break
    if best is not None:
        return best
    start = _start_over_a_note(file, crop_samples, words[TRIES:], avoid, activity)
    return Crop(_peak_normalised(file.read(start, crop_samples)), start, False)


def _place(word: int, lowest: int, highest: int, avoid: int | None, crop_samples: int) -> int:
    """Maps a 64-bit word to a start in [lowest, highest], a gap away from `avoid` where there is room."""
    gap = max(1, min(crop_samples // 8, (highest - lowest) // 4))
    if avoid is None or lowest == highest:
        return lowest + (word * (highest - lowest + 1) >> 64)
    before = max(0, min(avoid - gap, highest) - lowest + 1)
    resume = max(lowest, avoid + gap)
    offset = word * (before + max(0, highest - resume + 1)) >> 64
    return lowest + offset if offset < before else resume + offset - before


def _start_over_a_note(
    file: AudioFile, crop_samples: int, words: list[int], avoid: int | None, activity: FileActivity
) -> int:
    """A start whose crop holds a window drawn from all active ones, for a file that is nearly all silence."""
    if activity.window_starts is None:
        activity.window_starts = _scan_active_windows(file)
    starts = activity.window_starts
    window_start = int(starts[words[0] * len(starts) >> 64])
    window_stop = min(window_start + _window_samples(file.sample_rate_hz), file.samples)
    highest = min(window_start, file.samples - crop_samples)
    # a crop shorter than a window begins at the window
    lowest = min(max(0, window_stop - crop_samples), highest)
    return _place(words[1], lowest, highest, avoid, crop_samples)


def _scan_active_windows(file: AudioFile) -> npt.NDArray[np.int64]:
    window = _window_samples(file.sample_rate_hz)
    block = window * round(SCAN_SECONDS / WINDOW_SECONDS)
    blocks = (file.read(start, block) for start in range(0, file.samples, block))
    levels_db = np.concatenate([_window_levels_db(samples, file.sample_rate_hz) for samples in blocks])
    active = np.flatnonzero(levels_db > max(float(levels_db.max()) - ACTIVE_RANGE_DB, SILENCE_DB))
    if len(active) == 0:
        raise _silent(file)
    return active.astype(np.int64) * window


def _probe_loud_db(file: AudioFile) -> float:
    window = _window_samples(file.sample_rate_hz)
    starts = np.linspace(0, max(0, file.samples - window), PROBES).astype(np.int64)
    return max(
        float(_window_levels_db(file.read(int(start), window), file.sample_rate_hz).max()) for start in starts
    )


def _whole_file(file: AudioFile, crop_samples: int) -> Crop:
    samples = file.read(0, crop_samples)
    if _window_levels_db(samples, file.sample_rate_hz).max() <= SILENCE_DB:
        raise _silent(file)
    missing = crop_samples - len(samples)
    return Crop(np.pad(_peak_normalised(samples), (0, missing)), 0, missing > 0)


def _window_samples(sample_rate_hz: int) -> int:
    return max(1, round(WINDOW_SECONDS * sample_rate_hz))


def _window_levels_db(samples: Samples, sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """RMS level of each 50 ms window, the last one shorter; (windows,), -200 dB for zeros."""
    starts = np.arange(0, len(samples), _window_samples(sample_rate_hz))
    lengths = np.diff(np.append(starts, len(samples)))
    power = np.add.reduceat(np.square(samples, dtype=np.float64), starts) / lengths
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-20)))


def _peak_normalised(samples: Samples) -> Samples:
    peak = np.abs(samples).max()
    return samples / peak if peak > 0 else samples


def _silent(file: AudioFile) -> AudioError:
    return AudioError(
        f"draw_crop_pair: file must hold sound above {SILENCE_DB:g} dB, got silence in {file.path}"
    )
