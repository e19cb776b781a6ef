"""Which files a run trains on, and which source of recordings each comes from."""

from collections.abc import Sequence
from pathlib import Path

from singerprint.data import CheckedFiles, SingerFile, check_files, scan_folder
from singerprint.training.config import TrainConfig


def usable_files(config: TrainConfig, files: Sequence[SingerFile] | None) -> CheckedFiles:
    """The files to train on, those with an unreadable header set apart."""
    if files is None:
        files = [file for folder in config.data for file in _named_by_folder(config, folder)]
    checked = check_files(files, config.crop_seconds)
    if len(checked.usable) < config.recipe.batch_size:
        raise ValueError(
            f"train: batch_size must be at most the number of usable files, {len(checked.usable)}, "
            f"got {config.recipe.batch_size} ({len(checked.unreadable)} files are unreadable)"
        )
    return checked


def source_of_each(config: TrainConfig, files: Sequence[SingerFile]) -> list[int]:
    """The data folder that each file lies in, by its number; files from elsewhere share one more."""
    folders = list(config.data)
    return [
        next((number for number, folder in enumerate(folders) if folder in file.path.parents), len(folders))
        for file in files
    ]


def _named_by_folder(config: TrainConfig, folder: Path) -> list[SingerFile]:
    """A folder's files; of several folders, which may hold the same names, the folder joins the name."""
    files = scan_folder(folder)
    if len(config.data) == 1:
        return files
    return [file._replace(name=f"{folder}/{file.name}") for file in files]
