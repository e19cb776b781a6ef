"""Impulse responses of rooms, from a folder of recordings."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from singerprint.data.audio import AudioError, read_audio
from singerprint.data.folders import AUDIO_SUFFIXES


def read_impulse_responses(
    folder: str | Path, sample_rate_hz: int = 44_100, max_seconds: float | None = None
) -> list[NDArray[np.float32]]:
    """Reads every audio file in a folder and the folders in it as the impulse response of a room.

    Each begins at its loudest sample, the direct sound, so that to play in the room delays nothing, and has
    the energy 1, so that white noise keeps its level.

    Args:
        folder: with at least one audio file.
        sample_rate_hz: of the result; files of other rates are resampled.
        max_seconds: what is longer is cut; None keeps all.

    Returns:
        ``(taps,)`` float32 arrays, in the order of the files' names: what ``RandomReverb`` takes.

    Raises:
        AudioError: a file cannot be read, or is silent.
        ValueError: the folder has no audio file, or ``max_seconds`` is not positive.

    Example:
        >>> from singerprint.data import read_impulse_responses
        >>> [len(response) for response in read_impulse_responses("dataset", max_seconds=0.5)]
        [22050, 22050]
    """
    if max_seconds is not None and not max_seconds > 0:
        raise ValueError(f"read_impulse_responses: max_seconds must be positive, got {max_seconds}")
    root = Path(folder)
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not files:
        raise ValueError(f"read_impulse_responses: folder must hold audio files, got {root}")
    longest = None if max_seconds is None else max(1, round(max_seconds * sample_rate_hz))
    return [_as_response(path, read_audio(path, sample_rate_hz), longest) for path in files]


def _as_response(path: Path, recording: NDArray[np.float32], longest: int | None) -> NDArray[np.float32]:
    loudest = int(np.abs(recording).argmax()) if recording.size else 0
    response = recording[loudest:][:longest]
    energy = float(np.square(response, dtype=np.float64).sum())
    if not energy > 0:
        raise AudioError(f"{path}: an impulse response must not be silent")
    scaled: NDArray[np.float32] = (response / np.sqrt(energy)).astype(np.float32)
    return scaled
