"""Where a run's positive pairs come from: two crops of a file, or of two files of one singer."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch.utils.data import Dataset

from singerprint.data import (
    CropPair,
    CropPairs,
    EpochBatches,
    PairBatches,
    SingerBatches,
    SingerFile,
    SingerPairs,
    SkippedClip,
    SourceBatches,
)
from singerprint.training.config import TrainConfig
from singerprint.training.recipes import LABELLED


class Positives(NamedTuple):
    """The pairs of a run, and in which batches they stand."""

    pairs: "Dataset[CropPair | SkippedClip]"
    batches: EpochBatches


def positives(config: TrainConfig, files: Sequence[SingerFile], sample_rate_hz: int) -> Positives:
    """The positive pairs that the configuration's objective asks for.

    Raises:
        ValueError: there are too few files, sources or singers for a batch.
    """
    recipe, seed = config.recipe, config.seed
    if config.objective in LABELLED:
        # The same folder name in two data sets is two singers.
        singers = list(zip(_source_of_each(config, files), (file.singer for file in files), strict=True))
        if len(set(singers)) < 2:
            raise ValueError(
                f"train: data must hold at least 2 singers for {config.objective}, each a folder of files, "
                f"got {len(set(singers))}"
            )
        if len(set(singers)) == len(singers):  # so also in a flat folder, where each file is its own singer
            raise ValueError(
                f"train: data must hold a singer with at least 2 files for {config.objective}, each a folder "
                f"of files, got {len(singers)} singers of 1 file"
            )
        labelled = SingerPairs(files, singers, recipe.crop_seconds, sample_rate_hz, seed)
        batches_per_epoch = max(1, len(files) // recipe.batch_size)
        return Positives(labelled, SingerBatches(len(labelled), recipe.batch_size, batches_per_epoch, seed))
    pairs = CropPairs(files, recipe.crop_seconds, sample_rate_hz, seed)
    if config.sources_per_batch is None:
        return Positives(pairs, PairBatches(len(files), recipe.batch_size, seed))
    names = [file.singer for file in files]
    sources = _source_of_each(config, files)
    return Positives(pairs, SourceBatches(sources, names, recipe.batch_size, config.sources_per_batch, seed))


def _source_of_each(config: TrainConfig, files: Sequence[SingerFile]) -> list[int]:
    """The data folder that each file lies in, by its number; files from elsewhere share one more."""
    folders: list[Path] = list(config.data)
    return [
        next((number for number, folder in enumerate(folders) if folder in file.path.parents), len(folders))
        for file in files
    ]
