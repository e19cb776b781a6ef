"""PairBatches: which clips stand together in a batch, a pure function of (seed, epoch).

    order[s] = the clips of source s, sorted by a random word each          (one source unless told otherwise)
    batches  = all order[s], cut into pieces of batch_size, sorted by a random word each

Incomplete pieces are left out. Where clips come from several sources of recordings, a batch drawn from all of
them can be solved by an ear for room, microphone and codec; drawn from one source, by an ear for the voice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from singerprint.data.crops import DrawAddress, draw_words

SHUFFLE_CLIPS_PURPOSE, SHUFFLE_BATCHES_PURPOSE = 2, 4


class PairBatches(Sampler["list[tuple[int, int]]"]):
    """Yields batches of the keys (epoch, index) that `CropPairs` takes; a `batch_sampler` of a DataLoader.

    Args:
        clips: Number of clips, at least `batch_size`.
        batch_size: Clips in a batch, >= 1.
        seed: Seed of the order.
        sources: Source of each clip, any integers: a batch is drawn from one source. The clips of sources
            smaller than a batch are pooled. None draws from all clips.

    Raises:
        ValueError: A number is out of range, or no source and no pool is as large as a batch.

    Example:
        >>> batches = PairBatches(4, batch_size=2, sources=[0, 1, 0, 1])
        >>> sorted(sorted(index for _, index in batch) for batch in batches)
        [[0, 2], [1, 3]]
    """

    def __init__(
        self, clips: int, batch_size: int, seed: int = 0, sources: Sequence[int] | None = None
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"PairBatches: batch_size must be positive, got {batch_size}")
        if sources is not None and len(sources) != clips:
            raise ValueError(
                f"PairBatches: sources must have {clips} entries, one a clip, got {len(sources)}"
            )
        self.batch_size = batch_size
        self.seed = seed
        self._groups = _groups(
            np.zeros(clips, np.int64) if sources is None else np.asarray(sources), batch_size
        )
        self.batches_per_epoch = sum(len(group) // batch_size for group in self._groups)
        if self.batches_per_epoch == 0:
            raise ValueError(
                f"PairBatches: batch_size must be at most the number of clips, {clips}, got {batch_size}"
            )
        self.set_epoch(0)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Sets the epoch of the next iteration, and how many of its batches were already seen."""
        if epoch < 0:
            raise ValueError(f"PairBatches: epoch must not be negative, got {epoch}")
        if not 0 <= start <= self.batches_per_epoch:
            raise ValueError(f"PairBatches: start must lie in [0, {self.batches_per_epoch}], got {start}")
        self.epoch = epoch
        self.start = start

    def __len__(self) -> int:
        return self.batches_per_epoch - self.start

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        address, epoch = DrawAddress(self.seed, self.epoch), self.epoch
        words = draw_words(address, SHUFFLE_CLIPS_PURPOSE, sum(map(len, self._groups)))
        pieces: list[npt.NDArray[np.int64]] = []
        for group in self._groups:
            order = group[np.argsort(words[group], kind="stable")]
            whole = len(order) // self.batch_size * self.batch_size
            pieces += list(order[:whole].reshape(-1, self.batch_size))
        batch_words = draw_words(address, SHUFFLE_BATCHES_PURPOSE, len(pieces))
        for number in np.argsort(batch_words, kind="stable")[self.start :]:
            yield [(epoch, int(index)) for index in pieces[number]]


def _groups(sources: npt.NDArray[np.int64], batch_size: int) -> list[npt.NDArray[np.int64]]:
    """The clips of each source that fills a batch, then those of all other sources together."""
    groups = [np.flatnonzero(sources == source) for source in np.unique(sources)]
    small = [group for group in groups if len(group) < batch_size]
    large = [group for group in groups if len(group) >= batch_size]
    return large + ([np.sort(np.concatenate(small))] if small else [])
