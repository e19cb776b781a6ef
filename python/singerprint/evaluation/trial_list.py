"""read_trials: a list of trials from a text file, one ``label,path,path`` a line; label 1 = the same singer.

Paths are matched with the names of the files in the data set, so a comma, a '#', a blank or a letter of any
script in a name needs no quoting: the comma between the two paths is the one that leaves two known names.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from singerprint.evaluation.trials import Trials


def _split(pair: str, numbers: dict[str, int], where: str) -> tuple[int, int]:
    commas = [i for i, letter in enumerate(pair) if letter == ","]
    halves = [(pair[:i].strip(), pair[i + 1 :].strip()) for i in commas]
    known = [(a, b) for a, b in halves if a in numbers and b in numbers]
    if len(known) == 1:
        return numbers[known[0][0]], numbers[known[0][1]]
    if len(known) > 1:
        raise ValueError(f"read_trials: {where} must name two files in one way only, got {pair!r}")
    missing = pair if len(halves) != 1 else next(name for name in halves[0] if name not in numbers)
    raise ValueError(f"read_trials: {where} must name files of the data set, got {missing!r}")


def read_trials(path: str | os.PathLike[str], names: Sequence[str]) -> Trials:
    r"""Reads a list of trials and finds its files among the names of a data set.

    One ``label,path,path`` a line, UTF-8; label 1: one singer, 0: two singers. Blank lines are passed over.

    Args:
        path: text file.
        names: (files,) name of each file as the list writes it, usually its path relative to the data folder
            with forward slashes.

    Returns:
        The trials in the order of the file; indices point into ``names``.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if a line has another form, names a file that is not in ``names`` (the error tells the
            line and the name), or the file holds no trial.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "trials.txt"
        ...     _ = path.write_text("1,ann/a.wav,ann/b.wav\n")
        ...     read_trials(path, ["ann/a.wav", "ann/b.wav"]).same
        array([ True])
    """
    numbers = {name: number for number, name in enumerate(names)}
    rows: list[tuple[int, int, bool]] = []
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")  # splitlines also breaks at U+2028
    except UnicodeDecodeError as error:
        raise ValueError(f"read_trials: {path} must be UTF-8 text, got {error.reason}") from None
    for line_number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line:
            continue
        where = f"line {line_number} of {path}"
        label, _, pair = line.partition(",")
        if label.strip() not in {"0", "1"} or "," not in pair:
            raise ValueError(
                f"read_trials: {where} must be 'label,path,path' with label 0 or 1, got {line!r}"
            )
        rows.append((*_split(pair, numbers, where), label.strip() == "1"))
    if not rows:
        raise ValueError(f"read_trials: {path} must hold at least one trial, got none")
    first, second, same = zip(*rows, strict=True)
    return Trials(np.array(first, dtype=np.int64), np.array(second, dtype=np.int64), np.array(same))
