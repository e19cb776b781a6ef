"""write_files: files that are either all replaced, each of them whole, or left as they were.

Each file is first written beside its place under another name and forced to the disk; only when all of them
are there do they take their places, by renaming. A full disk, a crash or a loss of power before that leaves
the old files, and between two renames a mixture of whole files; it never leaves half a file.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Writes each file, replacing an older one of its name; the folders must exist.

    Args:
        contents: What each path is to hold. They take their places in this order.

    Raises:
        OSError: The disk is full, a folder is missing or read-only, ...: nothing was changed, and no
            temporary file is left.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_files({folder / "step.json": b"{}"})
        >>> [path.name for path in folder.iterdir()]
        ['step.json']
    """
    temporaries: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            temporaries[path] = _write_beside(path, content)
        for path, temporary in list(temporaries.items()):
            temporary.replace(path)
            del temporaries[path]
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
    for folder in {path.parent for path in contents}:
        _sync_folder(folder)


def _write_beside(path: Path, content: bytes) -> Path:
    # The same folder: a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    # The renames themselves are durable only when the folder is on the disk too. Windows cannot open folders.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
