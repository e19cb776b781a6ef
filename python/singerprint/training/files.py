"""Which files a run trains on."""

from collections.abc import Sequence
from pathlib import Path

from singerprint.data import CheckedFiles, SingerFile, check_files, scan_folder
from singerprint.training.config import TrainConfig
from singerprint.training.recipes import LABELLED


def usable_files(config: TrainConfig, files: Sequence[SingerFile] | None) -> CheckedFiles:
    """The files to train on, those with an unreadable header set apart."""
    if files is None:
        files = [file for folder in config.data for file in _named_by_folder(config, folder)]
    checked = check_files(files, config.recipe.crop_seconds)
    # A singer may stand in a batch more than once, a file may not.
    if config.objective not in LABELLED and len(checked.usable) < config.recipe.batch_size:
        raise ValueError(
            f"train: batch_size must be at most the number of usable files, {len(checked.usable)}, "
            f"got {config.recipe.batch_size} ({len(checked.unreadable)} files are unreadable)"
        )
    return checked


def _named_by_folder(config: TrainConfig, folder: Path) -> list[SingerFile]:
    """A folder's files; of several folders, which may hold the same names, the folder joins the name."""
    files = scan_folder(folder)
    if len(config.data) == 1:
        return files
    return [file._replace(name=f"{folder}/{file.name}") for file in files]
