"""Training on several ranks: collectives with exact gradients, and errors that every rank hears of."""

from singerprint.distributed.all_gather_rows import all_gather_rows
from singerprint.distributed.average import average_over_ranks
from singerprint.distributed.exchange import RankError, all_or_none, exchange, same_on_every_rank
from singerprint.distributed.process_group import in_group, process_group, rank, rank_count
from singerprint.distributed.sync_batch_norm import SyncBatchNorm1d, synchronise_batch_norm

__all__ = [
    "RankError",
    "SyncBatchNorm1d",
    "all_gather_rows",
    "all_or_none",
    "average_over_ranks",
    "exchange",
    "in_group",
    "process_group",
    "rank",
    "rank_count",
    "same_on_every_rank",
    "synchronise_batch_norm",
]
