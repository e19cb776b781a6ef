"""write_synthetic_singers: a folder of synthetic singing, one folder per singer."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from singerprint.atomic_file import write_files
from singerprint.data.crops import DrawAddress, draw_words
from singerprint.data.synthetic.render import Samples, synthesize
from singerprint.data.synthetic.voice import draw_singer

__all__ = ["write_synthetic_singers"]

PERFORMANCE_SEED_PURPOSE = 3


def write_synthetic_singers(
    folder: str | os.PathLike[str],
    singers: int = 12,
    files_per_singer: int = 6,
    *,
    songs_per_file: int = 1,
    seconds: float = 6.0,
    sample_rate_hz: int = 44100,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Writes `folder/singer-00/000.wav` and so on, 16-bit WAV; each file appears whole or not at all.

    Args:
        folder: Where to; made if it is missing. Files of the same names are replaced, others are left.
        singers: Number of singers, >= 1.
        files_per_singer: Files of each, >= 1.
        songs_per_file: Performances one after the other in a file, >= 1; no two of the whole set share
            melody, words or dynamics: two places of a file with several share nothing but the voice.
        seconds: Length of each performance, in [0.5, 60].
        sample_rate_hz: Sample rate, at least 8000.
        seed: Seed of the set: another seed gives other singers and other performances.
        progress: Called with (files done, files in all) after each file.

    Returns:
        The files, in order of singer and number.

    Raises:
        ValueError: A count, length or rate is out of range, or `folder` cannot be written.

    Example:
        >>> len(write_synthetic_singers("synthetic", singers=2, files_per_singer=1, seconds=0.5))
        2
    """
    counts = {"singers": singers, "files_per_singer": files_per_singer, "songs_per_file": songs_per_file}
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"write_synthetic_singers: {name} must be at least 1, got {count}")
    paths: list[Path] = []
    for index in range(singers):
        singer = draw_singer(seed, index)
        singer_folder = Path(folder) / f"singer-{index:02d}"
        for number in range(files_per_singer):
            words = draw_words(DrawAddress(seed, 0, index, number), PERFORMANCE_SEED_PURPOSE, songs_per_file)
            songs = [synthesize(singer, seconds, sample_rate_hz, int(word)) for word in words]
            path = singer_folder / f"{number:03d}.wav"
            _write_wav(path, np.concatenate(songs), sample_rate_hz)
            paths.append(path)
            if progress is not None:
                progress(len(paths), singers * files_per_singer)
    return paths


def _write_wav(path: Path, samples: Samples, sample_rate_hz: int) -> None:
    content = io.BytesIO()
    soundfile.write(content, samples, sample_rate_hz, subtype="PCM_16", format="WAV")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_files({path: content.getvalue()})
    except OSError as error:
        raise ValueError(f"write_synthetic_singers: folder must be writable, got {path} ({error})") from error
