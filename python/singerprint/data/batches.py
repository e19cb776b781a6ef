"""Which clips stand together in a batch: pure functions of (seed, epoch), `batch_sampler`s of a DataLoader.

    PairBatches: all clips, sorted by a random word each, cut into batches; an incomplete one is left out
    SourceBatches: batch = sources_per_batch sources (without replacement, P ~ sqrt(singers of the source))
                         x batch_size / sources_per_batch singers of each (without replacement)
                         x one file of each singer
    SingerBatches: batch = all singers in a random order, and again in another until it is full

Where clips come from several sources of recordings, a batch drawn from all files is solved by an ear for
room, microphone and codec, and the hundred files of one singer are each other's negatives. A batch of a few
sources asks for the voice within a source and keeps the sources apart; a singer stands in it once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from singerprint.data.crops import DrawAddress, draw_words

SHUFFLE_CLIPS_PURPOSE, DRAW_SOURCES_PURPOSE, DRAW_SINGERS_PURPOSE, DRAW_FILES_PURPOSE = 2, 4, 5, 6
SHUFFLE_SINGERS_PURPOSE = 8

Keys = list[tuple[int, int]]


class EpochBatches(Sampler[Keys], ABC):
    """Batches of the keys (epoch, index) that a data set of pairs takes, one epoch an iteration."""

    def __init__(self, batches_per_epoch: int) -> None:
        self.batches_per_epoch = batches_per_epoch
        self.set_epoch(0)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Sets the epoch of the next iteration, and how many of its batches were already seen."""
        name = type(self).__name__
        if epoch < 0:
            raise ValueError(f"{name}: epoch must not be negative, got {epoch}")
        if not 0 <= start <= self.batches_per_epoch:
            raise ValueError(f"{name}: start must lie in [0, {self.batches_per_epoch}], got {start}")
        self.epoch = epoch
        self.start = start

    def __len__(self) -> int:
        return self.batches_per_epoch - self.start

    def __iter__(self) -> Iterator[Keys]:
        return islice(self._epoch_batches(self.epoch), self.start, None)

    @abstractmethod
    def _epoch_batches(self, epoch: int) -> Iterator[Keys]:
        """All batches of an epoch."""


class PairBatches(EpochBatches):
    """Batches drawn from all clips: every clip once an epoch, but for those of an incomplete batch.

    Args:
        clips: Number of clips, at least `batch_size`.
        batch_size: Clips in a batch, >= 1.
        seed: Seed of the order.

    Raises:
        ValueError: A number is out of range.

    Example:
        >>> batches = PairBatches(4, batch_size=2)
        >>> sorted(index for batch in batches for _, index in batch)
        [0, 1, 2, 3]
    """

    def __init__(self, clips: int, batch_size: int, seed: int = 0) -> None:
        if batch_size < 1:
            raise ValueError(f"PairBatches: batch_size must be positive, got {batch_size}")
        if batch_size > clips:
            raise ValueError(
                f"PairBatches: batch_size must be at most the number of clips, {clips}, got {batch_size}"
            )
        self.clips = clips
        self.batch_size = batch_size
        self.seed = seed
        super().__init__(clips // batch_size)

    def _epoch_batches(self, epoch: int) -> Iterator[Keys]:
        words = draw_words(DrawAddress(self.seed, epoch), SHUFFLE_CLIPS_PURPOSE, self.clips)
        order = np.argsort(words, kind="stable")
        for first in range(0, self.batches_per_epoch * self.batch_size, self.batch_size):
            yield [(epoch, int(index)) for index in order[first : first + self.batch_size]]


class SourceBatches(EpochBatches):
    """Batches of a few sources, a singer at most once in each; an epoch is as many as all clips would fill.

    Sources with fewer singers than their share of a batch are merged, the smallest first, until all have
    enough. A file may return within an epoch, so every batch counts as an epoch in its keys: the crops of
    the two occurrences differ.

    Args:
        sources: Source of each clip.
        singers: Singer of each clip; the same label in two sources is two singers.
        batch_size: Clips in a batch, a multiple of `sources_per_batch`.
        sources_per_batch: Sources in a batch, >= 1.
        seed: Seed of the draws.

    Raises:
        ValueError: A number is out of range, or there are too few sources or singers for a batch.

    Example:
        >>> batches = SourceBatches([0, 0, 0, 1, 1], ["a", "a", "b", "c", "d"], 4, sources_per_batch=2)
        >>> [sorted(index for _, index in batch)[2:] for batch in batches]
        [[3, 4]]
    """

    def __init__(
        self,
        sources: Sequence[Hashable],
        singers: Sequence[Hashable],
        batch_size: int,
        sources_per_batch: int,
        seed: int = 0,
    ) -> None:
        if len(sources) != len(singers):
            raise ValueError(
                f"SourceBatches: singers must have {len(sources)} entries, one a clip, got {len(singers)}"
            )
        if sources_per_batch < 1:
            raise ValueError(f"SourceBatches: sources_per_batch must be positive, got {sources_per_batch}")
        if batch_size < 1 or batch_size % sources_per_batch:
            raise ValueError(
                "SourceBatches: batch_size must be a positive multiple of sources_per_batch = "
                f"{sources_per_batch}, got {batch_size}"
            )
        self.sources_per_batch = sources_per_batch
        self.singers_per_source = batch_size // sources_per_batch
        self.seed = seed
        self._sources = _merged(_clips_by_singer(sources, singers), self.singers_per_source)
        if len(self._sources) < sources_per_batch:
            raise ValueError(
                f"SourceBatches: sources must be at least {sources_per_batch} of {self.singers_per_source} "
                f"singers or more, got {len(self._sources)} (smaller ones count together)"
            )
        self._weights = np.sqrt([len(source) for source in self._sources])
        super().__init__(max(1, len(sources) // batch_size))

    def _epoch_batches(self, epoch: int) -> Iterator[Keys]:
        first = epoch * self.batches_per_epoch
        return map(self._batch, range(first, first + self.batches_per_epoch))

    def _batch(self, number: int) -> Keys:
        address = DrawAddress(self.seed, number)
        words = draw_words(address, DRAW_SOURCES_PURPOSE, len(self._sources))
        # The least of -ln(uniform) / weight: a weighted draw without replacement (Efraimidis, Spirakis 2006).
        waiting = -np.log((words + 0.5) / 2.0**64) / self._weights
        keys: Keys = []
        for source in np.argsort(waiting, kind="stable")[: self.sources_per_batch]:
            singers = self._sources[source]
            place = address._replace(clip_id=int(source))
            order = np.argsort(draw_words(place, DRAW_SINGERS_PURPOSE, len(singers)), kind="stable")
            files = draw_words(place, DRAW_FILES_PURPOSE, self.singers_per_source)
            for singer, word in zip(order[: self.singers_per_source], files, strict=True):
                clips = singers[singer]
                keys.append((number, int(clips[int(word) % len(clips)])))
        return keys


class SingerBatches(EpochBatches):
    """Batches of singers for `SingerPairs`, each as often as any other: once while there are enough.

    Where a batch is larger than the number of singers, a singer stands in it with several pairs. Every batch
    counts as an epoch in its keys: files and crops of a singer differ from batch to batch.

    Args:
        singers: Number of singers, >= 1.
        batch_size: Pairs in a batch, >= 1.
        batches_per_epoch: Batches in an epoch, >= 1.
        seed: Seed of the draws.

    Raises:
        ValueError: A number is out of range.

    Example:
        >>> batches = SingerBatches(singers=3, batch_size=4, batches_per_epoch=1)
        >>> [sorted(index % 3 for _, index in batch)[:3] for batch in batches] != [[0, 1, 2]]
        True
    """

    def __init__(self, singers: int, batch_size: int, batches_per_epoch: int, seed: int = 0) -> None:
        numbers = {"singers": singers, "batch_size": batch_size, "batches_per_epoch": batches_per_epoch}
        for name, value in numbers.items():
            if value < 1:
                raise ValueError(f"SingerBatches: {name} must be positive, got {value}")
        self.singers = singers
        self.batch_size = batch_size
        self.seed = seed
        super().__init__(batches_per_epoch)

    def _epoch_batches(self, epoch: int) -> Iterator[Keys]:
        first = epoch * self.batches_per_epoch
        return map(self._batch, range(first, first + self.batches_per_epoch))

    def _batch(self, number: int) -> Keys:
        keys: Keys = []
        for start in range(0, self.batch_size, self.singers):
            turn = start // self.singers
            words = draw_words(DrawAddress(self.seed, number, turn), SHUFFLE_SINGERS_PURPOSE, self.singers)
            order = np.argsort(words, kind="stable")[: self.batch_size - start]
            keys.extend((number, start + int(singer)) for singer in order)
        return keys


def _clips_by_singer(
    sources: Sequence[Hashable], singers: Sequence[Hashable]
) -> list[list[npt.NDArray[np.int64]]]:
    """The clips of each singer of each source, in the order of their first appearance."""
    found: dict[Hashable, dict[Hashable, list[int]]] = {}
    for clip, (source, singer) in enumerate(zip(sources, singers, strict=True)):
        found.setdefault(source, {}).setdefault(singer, []).append(clip)
    return [[np.array(clips) for clips in of_source.values()] for of_source in found.values()]


def _merged(sources: list[list[npt.NDArray[np.int64]]], singers: int) -> list[list[npt.NDArray[np.int64]]]:
    """Merges the two smallest sources until the smallest has `singers`, or one source is left."""
    ordered = sorted(sources, key=len)
    while len(ordered) > 1 and len(ordered[0]) < singers:
        ordered = sorted([ordered[0] + ordered[1], *ordered[2:]], key=len)
    return [source for source in ordered if len(source) >= singers]
