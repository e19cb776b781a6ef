"""A run on several ranks: one process a device under torchrun, each with its slice of every global batch.

    torchrun --nproc-per-node 4 -m singerprint train ...

Rank r of R takes the clips [r * batch_size / R, (r + 1) * batch_size / R) of each global batch. Crops and
augmentation are functions of (seed, epoch, clip), so the ranks together see what one process would. Losses
and batch normalisation of heads are of the global batch; the encoder's batch normalisation is per rank, as in
the papers' training, its running statistics are the mean of the ranks'. After every step all ranks hold the
same bits, so rank 0 alone writes, and any number of ranks can resume what it wrote.
"""

import hashlib
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from singerprint import _C
from singerprint.data import PairBatch
from singerprint.distributed import (
    all_or_none,
    average_over_ranks,
    exchange,
    in_group,
    process_group,
    rank_count,
    same_on_every_rank,
)
from singerprint.training.checkpoint import FREE_SETTINGS, TrainingState, names_sha256
from singerprint.training.config import TrainConfig

OPERATION = "train"


@contextmanager
def run_ranks(config: TrainConfig) -> Iterator[torch.device]:
    """Joins torchrun's process group, where there is one, and yields this rank's device."""
    device = _device(config)
    with process_group(device, config.rank_timeout_seconds):
        with all_or_none(OPERATION):
            if config.recipe.batch_size % rank_count():
                raise ValueError(
                    f"train: batch_size must be a multiple of the number of ranks, {rank_count()}, "
                    f"got {config.recipe.batch_size}"
                )
            if device.index is not None and device.index >= torch.cuda.device_count():
                raise ValueError(
                    f"train: device must be there, got {device} where there are {torch.cuda.device_count()} "
                    "GPUs (one rank a GPU)"
                )
        if device.index is not None:
            torch.cuda.set_device(device)
        yield device


def refuse_other_state(state: TrainingState, done: int) -> None:
    """Refuses to start where ranks would not compute the same: settings, files, weights, steps done."""
    if not in_group():
        return
    settings = {name: value for name, value in state.config.as_json().items() if name not in FREE_SETTINGS}
    weights = hashlib.sha256()
    for module in (state.encoder, state.objective):
        for tensor in module.state_dict().values():
            weights.update(tensor.cpu().contiguous().numpy().tobytes())
    same_on_every_rank(
        OPERATION,
        {
            **settings,
            "SHA-256 of the names of the usable files": names_sha256(state.files),
            "number of steps done": done,
            "SHA-256 of the weights": weights.hexdigest(),
        },
    )


def readable_on_every_rank(batch: PairBatch) -> PairBatch:
    """The batch, cut to as many clips as the rank has that could read fewest.

    Where a file turns out to be damaged, its rank has a clip less, and each other one leaves its last one
    out of this step: losses of the global batch need as many clips on each rank.

    Raises:
        ValueError: a rank could read none, or there are fewer than 2 in all.
    """
    clips = min(exchange("train: readable clips", len(batch.clip_ids)))
    if clips * rank_count() < 2:
        own = [clip.name for clip in batch.skipped]
        skipped = [name for names in exchange("train: skipped clips", own) for name in names]
        least = "1 readable clip a batch on each rank" if rank_count() > 1 else "2 readable clips a batch"
        raise ValueError(
            f"train: data must give at least {least}, got {clips}; skipped: {', '.join(skipped)}"
        )
    return batch._replace(
        first=batch.first[:clips],
        second=batch.second[:clips],
        clip_ids=batch.clip_ids[:clips],
        epochs=batch.epochs[:clips],
        padded=batch.padded[:clips],
        singers=batch.singers[:clips],
    )


def average_step(state: TrainingState, parameters: list[torch.nn.Parameter]) -> None:
    """Averages the gradients, and the running statistics of the encoder, over the ranks."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    statistics = [
        buffer
        for name, buffer in state.encoder.named_buffers()
        if name.endswith(("running_mean", "running_var"))
    ]
    average_over_ranks(gradients + statistics)


def figures_of_all(figures: dict[str, float]) -> dict[str, float]:
    """A stretch's figures over the ranks: the mean, but the sum of the clips per second."""
    everyone = exchange("train: figures", figures)
    means = {name: math.fsum(theirs[name] for theirs in everyone) / len(everyone) for name in figures}
    return means | {"clips_per_second": math.fsum(theirs["clips_per_second"] for theirs in everyone)}


def _device(config: TrainConfig) -> torch.device:
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("train: device must be there, got cuda on a machine or a PyTorch without it")
    usable = torch.cuda.is_available() and _C.has_cuda
    if config.device == "cpu" or (config.device == "auto" and not usable):
        return torch.device("cpu")
    local_rank = os.environ.get("LOCAL_RANK")
    return torch.device("cuda") if local_rank is None else torch.device("cuda", int(local_rank))
