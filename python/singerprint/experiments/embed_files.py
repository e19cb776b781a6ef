"""embed_files: one embedding a file, for any embedder; files that cannot be read are named, not replaced."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from singerprint.data import AudioError, SingerFile, audio_info

Progress = Callable[[int, int], None]


class Embedder(Protocol):
    """What an encoder and every baseline have in common."""

    @property
    def dim(self) -> int:
        """Length of an embedding."""

    def embed(self, clip: str | Path, /) -> Tensor:
        """The embedding of a whole file, ``(dim,)``."""


class EmbeddedFiles(NamedTuple):
    """Embeddings of files.

    Attributes:
        files: the files that could be embedded, in their order.
        embeddings: ``(files, dim)`` float32.
        unreadable: names of the other files, each with the reason.
        audio_seconds: length of what was embedded.
        seconds: time it took, reading included.
    """

    files: list[SingerFile]
    embeddings: npt.NDArray[np.float32]
    unreadable: dict[str, str]
    audio_seconds: float
    seconds: float


def embed_files(
    embedder: Embedder, files: Sequence[SingerFile], progress: Progress | None = None
) -> EmbeddedFiles:
    """Embeds files one by one.

    Args:
        embedder: an encoder or a baseline.
        files: the files, at least one of them readable.
        progress: called with (files done, files in all) after each file.

    Returns:
        Embeddings of the readable files, and the names of the others.

    Raises:
        ValueError: no file could be read; the first reason is told.

    Example:
        >>> embedded = embed_files(encoder, scan_folder("dataset"))  # doctest: +SKIP
    """
    embedded: list[SingerFile] = []
    rows: list[npt.NDArray[np.float32]] = []
    unreadable: dict[str, str] = {}
    audio_seconds = 0.0
    started = time.perf_counter()
    for done, file in enumerate(files, start=1):
        try:
            rows.append(embedder.embed(file.path).cpu().numpy())
            embedded.append(file)
            audio_seconds += audio_info(file.path).seconds
        except (AudioError, OSError) as error:
            unreadable[file.name] = str(error)
        if progress is not None:
            progress(done, len(files))
    if not rows:
        first = next(iter(unreadable.values()), "no file was given")
        raise ValueError(f"embed_files: files must hold at least one readable file, got none ({first})")
    return EmbeddedFiles(embedded, np.stack(rows), unreadable, audio_seconds, time.perf_counter() - started)
