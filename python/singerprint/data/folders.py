"""scan_folder: which audio files a data set has, and who sings in each.

    root/singer/**/file.wav      singer = first folder, level = second folder, if any
    root/file.wav                each file is its own singer, singer = the file's stem

read_index: further columns about the files (song, style, ...) from the `index.csv` that describes them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

__all__ = ["SingerFile", "read_index", "scan_folder"]

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
INDEX_NAME = "index.csv"


class SingerFile(NamedTuple):
    """An audio file and who sings in it.

    Attributes:
        path: Where the file is.
        name: Its path relative to the scanned folder, with forward slashes.
        singer: The first folder below the scanned one; the file's stem where there is none.
        level: The first folder below the singer's (a style, a song, a session), else None.
    """

    path: Path
    name: str
    singer: str
    level: str | None


def scan_folder(root: str | os.PathLike[str]) -> list[SingerFile]:
    """Lists the audio files of a data set folder: `.wav`, `.flac`, `.ogg` and `.mp3`, in any case.

    Hidden files and folders (a name that begins with a dot) are left out. Links are followed, except into a
    folder that holds them.

    Args:
        root: A folder of one folder per singer, or of files that are each their own singer, or of both.

    Returns:
        At least one file, sorted by name.

    Raises:
        ValueError: `root` is missing, a file, cannot be read, or holds no audio file.

    Example:
        >>> [(file.name, file.singer) for file in scan_folder("dataset")]
        [('anna/live/000.wav', 'anna'), ('ben/000.flac', 'ben')]
    """
    folder = Path(root)
    if not folder.exists():
        raise ValueError(f"scan_folder: root must be an existing folder, got {folder}")
    if not folder.is_dir():
        raise ValueError(f"scan_folder: root must be a folder, got the file {folder}")
    try:
        files = sorted(
            (_singer_file(path, folder) for path in _audio_paths(folder, ())), key=lambda file: file.name
        )
    except OSError as error:
        raise ValueError(f"scan_folder: root must be readable, got {folder} ({error.strerror})") from error
    if not files:
        suffixes = ", ".join(sorted(AUDIO_SUFFIXES))
        raise ValueError(f"scan_folder: root must hold audio files ({suffixes}), got none in {folder}")
    return files


def read_index(root: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """Reads the metadata of a data set's files from the nearest `index.csv` that lists any of them.

    The table is looked for in `root`, its parent and its grandparent. It is UTF-8 with a header line; column
    `path` or `file` holds a file's path relative to the table's folder; any further column describes the
    file, and `song` and `style` are those that an evaluation may be told to go across. Rows about other files
    are left out. The singer of a file is what `scan_folder` says, whatever a column `singer` holds.

    Args:
        root: The folder given to `scan_folder`.

    Returns:
        The row of each listed file, `{column: value}`, by the name that `scan_folder` gives it; empty without
        a table.

    Raises:
        ValueError: A table that lists files of `root` has a row of the wrong length or a file twice, or the
            table in `root` itself has no column `path` or `file`.

    Example:
        >>> read_index("dataset")["anna/live/000.wav"]["song"]
        'Greensleeves'
    """
    folder = Path(root).resolve()
    for candidate in (folder, *folder.parents[:2]):
        table = candidate / INDEX_NAME
        if table.is_file():
            rows = _rows_of(table, folder, required=candidate == folder)
            if rows:
                return rows
    return {}


def _audio_paths(folder: Path, holders: tuple[str, ...]) -> Iterator[Path]:
    """The audio files below `folder`; `holders`, the real paths of the folders above, ends loops of links."""
    real = os.path.realpath(folder)
    if real in holders:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _audio_paths(folder / entry.name, (*holders, real))
            elif Path(entry.name).suffix.lower() in AUDIO_SUFFIXES:
                yield folder / entry.name


def _singer_file(path: Path, root: Path) -> SingerFile:
    parts = path.relative_to(root).parts
    singer = parts[0] if len(parts) > 1 else path.stem
    return SingerFile(path, "/".join(parts), singer, parts[1] if len(parts) > 2 else None)


def _rows_of(table: Path, folder: Path, required: bool) -> dict[str, dict[str, str]]:
    """The rows of `table` about existing files of `folder`, by their path relative to it."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            header, *lines = list(csv.reader(stream)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"read_index: {table} must be a readable UTF-8 table, got {error}") from error
    column = next((name for name in ("path", "file") if name in header), None)
    if column is None:
        if required:
            raise ValueError(f"read_index: {table} must have a column path or file, got {', '.join(header)}")
        return {}
    position = header.index(column)
    rows: dict[str, dict[str, str]] = {}
    for number, values in enumerate(lines, start=2):
        name = _name_below(folder, table.parent, values[position]) if len(values) > position else None
        if name is None or not (folder / name).is_file():
            continue
        if len(values) != len(header):
            raise ValueError(
                f"read_index: row {number} of {table} must have {len(header)} values, got {len(values)}"
            )
        if name in rows:
            raise ValueError(f"read_index: {table} must list a file once, got {name} again in row {number}")
        rows[name] = dict(zip(header, values, strict=True))
    return rows


def _name_below(folder: Path, table_folder: Path, listed: str) -> str | None:
    """The listed path relative to `folder`, or None where it lies elsewhere."""
    try:
        return (table_folder / PurePosixPath(listed)).relative_to(folder).as_posix()
    except ValueError:
        return None
