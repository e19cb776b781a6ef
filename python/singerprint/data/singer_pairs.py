"""SingerPairs: crops of two files of one singer are a positive pair; a function of (seed, epoch, index).

    singer = index % singers
    first file ~ uniform over the singer's, second ~ uniform over the singer's others
    a singer with one file: two crops of that file, as CropPairs draws them

So that neither song nor recording tells what is one, Desblancs et al., ISMIR 2024, draw two tracks of one
artist (github.com/deezer/real-cloned-singer-id, training/dataset.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch.utils.data import Dataset

from singerprint.data.audio import AudioError, AudioFile
from singerprint.data.crops import Crop, DrawAddress, FileActivity, draw_crop, draw_crop_pair, draw_words
from singerprint.data.folders import SingerFile
from singerprint.data.pairs import CropPair, SkippedClip, crop_length

__all__ = ["SingerPairs"]

DRAW_TWO_FILES_PURPOSE = 7


class SingerPairs(Dataset["CropPair | SkippedClip"]):
    """A data set of positive pairs by singer: crops of two different files each, away from silence.

    Args:
        files: The files.
        singers: Singer of each file.
        crop_seconds: Length of a crop, > 0.
        sample_rate_hz: Rate of the crops, > 0.
        seed: Seed of files and crop positions.

    Raises:
        ValueError: No files, another number of singers, or a length or rate that is not positive.

    Example:
        >>> from singerprint.data import scan_folder
        >>> files = scan_folder("dataset")
        >>> pairs = SingerPairs(files, [file.singer for file in files], crop_seconds=4.0)
        >>> len(pairs), pairs[0, 3].singer  # epoch 0, the second pair of the second singer
        (2, 1)
    """

    def __init__(
        self,
        files: Sequence[SingerFile],
        singers: Sequence[Hashable],
        crop_seconds: float,
        sample_rate_hz: int = 44100,
        seed: int = 0,
    ) -> None:
        if len(files) == 0:
            raise ValueError("SingerPairs: files must hold at least one file, got none")
        if len(singers) != len(files):
            raise ValueError(
                f"SingerPairs: singers must have {len(files)} entries, one a file, got {len(singers)}"
            )
        self.crop_samples = crop_length("SingerPairs", crop_seconds, sample_rate_hz)
        self.files = tuple(files)
        self.sample_rate_hz = sample_rate_hz
        self.seed = seed
        found: dict[Hashable, list[int]] = {}
        for number, singer in enumerate(singers):
            found.setdefault(singer, []).append(number)
        self._files_of = list(found.values())  # in the order of their first appearance
        self._activities: dict[int, FileActivity] = {}

    def __len__(self) -> int:
        """The number of singers."""
        return len(self._files_of)

    def __getitem__(self, key: tuple[int, int]) -> CropPair | SkippedClip:
        """A pair of a singer.

        Args:
            key: (epoch, index); index `singer + i * len(self)` is the singer's pair number i of the epoch.

        Returns:
            The pair, its `clip_id` the index, or the name of a file that cannot be read or is silent.
        """
        epoch, index = key
        if index < 0:
            raise IndexError(f"SingerPairs: index must not be negative, got {index}")
        address = DrawAddress(self.seed, epoch, index)
        numbers = self._two_files(address)
        crops: list[Crop] = []
        for view, number in enumerate(numbers):
            activity = self._activities.setdefault(number, FileActivity())
            try:
                file = AudioFile(self.files[number].path, self.sample_rate_hz)
                if len(numbers) == 1:
                    crops.extend(draw_crop_pair(file, self.crop_samples, address, activity))
                else:
                    crops.append(draw_crop(file, self.crop_samples, address._replace(view=view), activity))
            except (AudioError, OSError) as error:
                return SkippedClip(self.files[number].name, str(error))
        first, second = crops
        return CropPair(
            torch.from_numpy(first.samples),
            torch.from_numpy(second.samples),
            clip_id=index,
            epoch=epoch,
            padded=first.padded or second.padded,
            singer=index % len(self),
        )

    def _two_files(self, address: DrawAddress) -> list[int]:
        """Two different files of the singer, or the only one."""
        numbers = self._files_of[address.clip_id % len(self)]
        if len(numbers) == 1:
            return numbers
        first_word, second_word = map(int, draw_words(address, DRAW_TWO_FILES_PURPOSE, 2))
        first = first_word * len(numbers) >> 64
        onwards = 1 + (second_word * (len(numbers) - 1) >> 64)
        return [numbers[first], numbers[(first + onwards) % len(numbers)]]
