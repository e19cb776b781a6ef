"""verify: from a folder of singing to error rates: files, trials, embeddings, EER and MNR with intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from singerprint.data import SingerFile, read_index, scan_folder
from singerprint.evaluation import (
    Trials,
    VerificationResult,
    default_trials,
    evaluate_verification,
    read_trials,
)
from singerprint.experiments.embed_files import EmbeddedFiles, Embedder, Progress, embed_files

Across = Literal["style", "song"]


class TrialFiles(NamedTuple):
    """Trials and the files that they name.

    Attributes:
        files: the files, each named by at least one trial.
        trials: indices into ``files``.
    """

    files: list[SingerFile]
    trials: Trials


class Verification(NamedTuple):
    """What :func:`verify` measured, and on what.

    Attributes:
        result: the figures.
        trials: the trials that were scored; indices into ``embedded.files``.
        embedded: files, embeddings, unreadable files, time.
    """

    result: VerificationResult
    trials: Trials
    embedded: EmbeddedFiles


def folder_trials(
    root: Path, pairs: Path | None = None, across: Across | None = None, seed: int = 0
) -> TrialFiles:
    """The trials of a data folder: from a list, or drawn across its files.

    Args:
        root: ``root/singer/**/file``.
        pairs: list of ``label,path,path``; paths relative to ``root`` or to the list's own folder. None draws
            trials: positives are two files of one singer, negatives two files of different singers.
        across: drawn positives come from two styles, or two songs, of the singer; taken from the table
            ``index.csv`` or, where there is none, from the first folder below the singer's.
        seed: of the draw.

    Raises:
        ValueError: both ``pairs`` and ``across`` are given, the list names unknown files, the folder has no
            such level, or too few singers or files.
    """
    if pairs is not None and across is not None:
        raise ValueError("evaluate: across must not be given together with pairs: the list fixes the trials")
    files = scan_folder(root)
    if pairs is not None:
        return _only_named(files, _listed_trials(files, root, pairs))
    return drawn_trials(files, None if across is None else _groups(files, root, across), seed)


def drawn_trials(
    files: Sequence[SingerFile], groups: Sequence[str] | None = None, seed: int = 0
) -> TrialFiles:
    """Trials drawn from files: see :func:`singerprint.evaluation.default_trials`."""
    return _only_named(files, default_trials([file.singer for file in files], groups, seed=seed))


def verify(embedder: Embedder, subject: TrialFiles, progress: Progress | None = None) -> Verification:
    """Embeds the files of the trials and measures equal error rate and mean normalised rank.

    Trials with an unreadable file are left out; the file is named in ``embedded.unreadable``.

    Raises:
        ValueError: no file, no positive or no negative trial is left.

    Example:
        >>> verify(encoder, folder_trials(Path("dataset"))).result.eer  # doctest: +SKIP
        0.12
    """
    embedded = embed_files(embedder, subject.files, progress)
    position = {file.name: index for index, file in enumerate(embedded.files)}
    pairs = [
        (position[subject.files[first].name], position[subject.files[second].name], same)
        for first, second, same in zip(*subject.trials, strict=True)
        if subject.files[first].name in position and subject.files[second].name in position
    ]
    trials = _trials(pairs)
    singers = [file.singer for file in embedded.files]
    return Verification(evaluate_verification(embedded.embeddings, singers, trials), trials, embedded)


def _listed_trials(files: list[SingerFile], root: Path, pairs: Path) -> Trials:
    """Reads a list whose paths are relative to the data folder or, as a second try, to the list's folder."""
    try:
        return read_trials(pairs, [file.name for file in files])
    except ValueError:
        try:
            prefix = root.resolve().relative_to(pairs.resolve().parent)
            return read_trials(pairs, [(prefix / file.name).as_posix() for file in files])
        except ValueError:
            pass  # the first reading's complaint is the one to show
        raise


def _groups(files: Sequence[SingerFile], root: Path, across: Across) -> list[str]:
    """Style or song of each file."""
    rows = read_index(root)
    groups = [rows.get(file.name, {}).get(across) or file.level for file in files]
    for file, group in zip(files, groups, strict=True):
        if group is None:
            raise ValueError(
                f"evaluate: across must name a level of the data, got {across!r}: {file.name} has no folder "
                f"below its singer's and no column {across} in an index.csv"
            )
    return [str(group) for group in groups]


def _only_named(files: Sequence[SingerFile], trials: Trials) -> TrialFiles:
    """Drops the files that no trial names."""
    named = sorted({int(index) for index in (*trials.first, *trials.second)})
    renumbered = {old: new for new, old in enumerate(named)}
    pairs = [
        (renumbered[int(first)], renumbered[int(second)], bool(same))
        for first, second, same in zip(*trials, strict=True)
    ]
    return TrialFiles([files[index] for index in named], _trials(pairs))


def _trials(pairs: list[tuple[int, int, bool]]) -> Trials:
    first, second, same = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    return Trials(first, second, same.astype(np.bool_))
