"""The batches of a run as a rank has them: its slice of each, and their crops."""

import os
from collections.abc import Iterator

from torch.utils.data import DataLoader, Dataset, Sampler

from singerprint.data import CropPair, EpochBatches, PairBatch, SkippedClip, collate_pairs
from singerprint.distributed import rank, rank_count
from singerprint.training.config import TrainConfig


class RankBatches(Sampler[list[tuple[int, int]]]):
    """Rank `rank`'s slice of each global batch: the slices of all ranks, one after the other, are the batch.

    Args:
        batches: the global batches, of a size that `ranks` divides.
        rank: of [0, ranks).
        ranks: how many share a batch, at least 1.
    """

    def __init__(self, batches: EpochBatches, rank: int, ranks: int) -> None:
        self.batches = batches
        self.rank = rank
        self.ranks = ranks

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for keys in self.batches:
            share = len(keys) // self.ranks
            yield keys[self.rank * share : (self.rank + 1) * share]


def rank_batches(
    config: TrainConfig, pairs: "Dataset[CropPair | SkippedClip]", batches: EpochBatches, done: int
) -> Iterator[tuple[int, PairBatch]]:
    """This rank's batches from step ``done`` on, each with its epoch, without end."""
    loader = DataLoader(
        pairs,
        batch_sampler=RankBatches(batches, rank(), rank_count()),
        collate_fn=collate_pairs,
        num_workers=config.workers,
        persistent_workers=config.workers > 0,
        worker_init_fn=_lead_a_session,
    )
    epoch, start = divmod(done, batches.batches_per_epoch)
    while True:
        batches.set_epoch(epoch, start)
        for batch in loader:
            yield epoch, batch
        epoch, start = epoch + 1, 0


def _lead_a_session(_worker: int) -> None:
    """Keeps signals to the run's process group (Ctrl-C, torchrun) from readers that its last step needs."""
    if hasattr(os, "setsid"):  # not on Windows
        os.setsid()
