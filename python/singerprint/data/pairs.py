"""CropPairs: two crops of one file are a positive pair; an item is a pure function of (seed, epoch, index).

The epoch travels with the index, in the keys that the batch samplers yield, so that worker processes that
live longer than an epoch cannot be behind. A file that cannot be read gives a SkippedClip, which
collate_pairs keeps out of the batch's tensors and lists beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from singerprint.data.audio import AudioError, AudioFile, audio_info
from singerprint.data.crops import DrawAddress, FileActivity, draw_crop_pair
from singerprint.data.folders import SingerFile

__all__ = [
    "CheckedFiles",
    "CropPair",
    "CropPairs",
    "PairBatch",
    "SkippedClip",
    "check_files",
    "collate_pairs",
    "crop_length",
]


class CropPair(NamedTuple):
    """Two crops that are to be told to belong together.

    Attributes:
        first: (samples,) float32, largest magnitude 1.
        second: (samples,) float32, largest magnitude 1.
        clip_id: Index of its key.
        epoch: Epoch of its key.
        padded: True where a file is shorter than a crop: zeros follow it, and two crops of it are the same.
        singer: Equal for pairs of one singer, as far as the data set looks at who sings: `CropPairs` does
            not, and gives the clip id.
    """

    first: Tensor
    second: Tensor
    clip_id: int
    epoch: int
    padded: bool
    singer: int


class SkippedClip(NamedTuple):
    """A file that could not be cropped: its name, and the sentence that says why."""

    name: str
    reason: str


class PairBatch(NamedTuple):
    """A batch of pairs.

    Attributes:
        first: (batch, samples) float32.
        second: (batch, samples) float32.
        clip_ids: (batch,) int64.
        epochs: (batch,) int64.
        padded: (batch,) bool.
        singers: (batch,) int64.
        skipped: The files that are missing from the batch; where all are, `batch` is 0 and `samples` is 0.
    """

    first: Tensor
    second: Tensor
    clip_ids: Tensor
    epochs: Tensor
    padded: Tensor
    singers: Tensor
    skipped: tuple[SkippedClip, ...]


class CheckedFiles(NamedTuple):
    """What check_files found.

    Attributes:
        usable: The files whose header could be read, `short` ones among them, in their order.
        unreadable: The others, each with the sentence that says why.
        short: The usable files that are shorter than a crop and will be padded.
    """

    usable: list[SingerFile]
    unreadable: list[tuple[SingerFile, str]]
    short: list[SingerFile]


class CropPairs(Dataset["CropPair | SkippedClip"]):
    """A data set of positive pairs: two crops of each file, away from silence (see `crops`).

    Args:
        files: The files; a file's position is its clip id.
        crop_seconds: Length of a crop, > 0.
        sample_rate_hz: Rate of the crops, > 0.
        seed: Seed of the crop positions.

    Raises:
        ValueError: No files, or a length or rate that is not positive.

    Example:
        >>> from singerprint.data import scan_folder
        >>> from torch.utils.data import DataLoader
        >>> from singerprint.data import PairBatches
        >>> pairs = CropPairs(scan_folder("dataset"), crop_seconds=4.0)
        >>> batches = PairBatches(len(pairs), batch_size=2)
        >>> loader = DataLoader(pairs, batch_sampler=batches, collate_fn=collate_pairs)
        >>> next(iter(loader)).first.shape
        torch.Size([2, 176400])
    """

    def __init__(
        self, files: Sequence[SingerFile], crop_seconds: float, sample_rate_hz: int = 44100, seed: int = 0
    ) -> None:
        if len(files) == 0:
            raise ValueError("CropPairs: files must hold at least one file, got none")
        self.crop_samples = crop_length("CropPairs", crop_seconds, sample_rate_hz)
        self.files = tuple(files)
        self.sample_rate_hz = sample_rate_hz
        self.seed = seed
        self._activities: dict[int, FileActivity] = {}

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, key: tuple[int, int]) -> CropPair | SkippedClip:
        """The pair of a file.

        Args:
            key: (epoch, index).

        Returns:
            The pair, or the file's name and what is wrong with it where it cannot be read or is silent.
        """
        epoch, index = key
        if not 0 <= index < len(self.files):
            raise IndexError(f"CropPairs: index must lie in [0, {len(self.files)}), got {index}")
        address = DrawAddress(self.seed, epoch, index)
        activity = self._activities.setdefault(index, FileActivity())
        try:
            file = AudioFile(self.files[index].path, self.sample_rate_hz)
            first, second = draw_crop_pair(file, self.crop_samples, address, activity)
        except (AudioError, OSError) as error:
            return SkippedClip(self.files[index].name, str(error))
        return CropPair(
            torch.from_numpy(first.samples),
            torch.from_numpy(second.samples),
            clip_id=index,
            epoch=epoch,
            padded=first.padded,
            singer=index,
        )


def collate_pairs(items: Sequence[CropPair | SkippedClip]) -> PairBatch:
    """Stacks the pairs of a batch and lists the files that could not be read.

    Args:
        items: Items of CropPairs or SingerPairs, at least one.

    Returns:
        The batch; it is smaller than `items` where files were skipped, and a training loop must look at its
        length.

    Example:
        >>> pair = CropPair(torch.zeros(4), torch.zeros(4), clip_id=7, epoch=0, padded=False, singer=7)
        >>> batch = collate_pairs([pair, SkippedClip("a.wav", "damaged")])
        >>> batch.clip_ids, batch.skipped[0].name
        (tensor([7]), 'a.wav')
    """
    pairs = [item for item in items if isinstance(item, CropPair)]
    skipped = tuple(item for item in items if isinstance(item, SkippedClip))
    return PairBatch(
        first=_stack([pair.first for pair in pairs]),
        second=_stack([pair.second for pair in pairs]),
        clip_ids=torch.tensor([pair.clip_id for pair in pairs], dtype=torch.int64),
        epochs=torch.tensor([pair.epoch for pair in pairs], dtype=torch.int64),
        padded=torch.tensor([pair.padded for pair in pairs], dtype=torch.bool),
        singers=torch.tensor([pair.singer for pair in pairs], dtype=torch.int64),
        skipped=skipped,
    )


def check_files(
    files: Sequence[SingerFile],
    crop_seconds: float = 4.0,
    progress: Callable[[int, int], None] | None = None,
) -> CheckedFiles:
    """Reads the header of every file before training starts.

    Args:
        files: The files.
        crop_seconds: Length of a crop: shorter files are counted.
        progress: Called with (files done, files in all) after each file.

    Returns:
        The usable files, the unreadable ones with the reason, and the short ones. A file that is damaged
        further in is found when it is read, and becomes a SkippedClip.

    Example:
        >>> from singerprint.data import scan_folder
        >>> usable, unreadable, short = check_files(scan_folder("dataset"))
        >>> len(usable), len(unreadable), len(short)
        (2, 0, 0)
    """
    result = CheckedFiles([], [], [])
    for done, file in enumerate(files, start=1):
        try:
            seconds = audio_info(file.path).seconds
        except (AudioError, OSError) as error:
            result.unreadable.append((file, str(error)))
        else:
            result.usable.append(file)
            if seconds < crop_seconds:
                result.short.append(file)
        if progress is not None:
            progress(done, len(files))
    return result


def _stack(waveforms: list[Tensor]) -> Tensor:
    """(batch, samples); (0, 0) for none."""
    return torch.stack(waveforms) if waveforms else torch.zeros(0, 0)


def crop_length(operation: str, crop_seconds: float, sample_rate_hz: int) -> int:
    """Samples of a crop of so many seconds.

    Args:
        operation: Who asks, for the sentence of a refusal.
        crop_seconds: Length, > 0.
        sample_rate_hz: Rate, > 0.

    Returns:
        The nearest whole number, at least 1.

    Raises:
        ValueError: A length or rate that is not positive.

    Example:
        >>> crop_length("crops", 0.5, 44100)
        22050
    """
    if sample_rate_hz <= 0:
        raise ValueError(f"{operation}: sample_rate_hz must be positive, got {sample_rate_hz}")
    if not (0 < crop_seconds < float("inf")) or round(crop_seconds * sample_rate_hz) < 1:
        raise ValueError(f"{operation}: crop_seconds must be positive and finite, got {crop_seconds}")
    return round(crop_seconds * sample_rate_hz)
