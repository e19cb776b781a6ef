"""Who takes part: the ranks that torchrun started, one process each, and this process's place among them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

# What torchrun tells each of the processes that it starts (PyTorch's `env://` rendezvous).
ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def in_group() -> bool:
    """Whether this process is one of several ranks, or the only one of a process group.

    Returns:
        False outside a process group.

    Example:
        >>> in_group()
        False
    """
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """This process's number among the ranks.

    Returns:
        A number in [0, rank_count()); 0 outside a process group.

    Example:
        >>> rank()
        0
    """
    return dist.get_rank() if in_group() else 0


def rank_count() -> int:
    """The number of ranks.

    Returns:
        1 outside a process group.

    Example:
        >>> rank_count()
        1
    """
    return dist.get_world_size() if in_group() else 1


@contextmanager
def process_group(device: torch.device | str = "cpu", timeout_seconds: float = 1800.0) -> Iterator[None]:
    """Joins the process group that torchrun's environment describes, and leaves it at the end.

    CPU tensors go through gloo, CUDA tensors through NCCL. Nothing happens where there is no such environment
    or the process has joined a group already. A rank that leaves because of an error closes its connections,
    so the others notice at their next exchange and do not wait for the timeout.

    Args:
        device: where the tensors of this rank lie; one rank a GPU.
        timeout_seconds: how long a rank waits for the others, also while rank 0 validates alone; positive.

    Yields:
        Nothing; within it :func:`rank` and :func:`rank_count` tell the place.

    Raises:
        ValueError: the timeout is not positive and finite.

    Example:
        >>> with process_group():  # started by python, not by torchrun
        ...     rank_count()
        1
    """
    if not 0 < timeout_seconds < float("inf"):
        raise ValueError(f"process_group: timeout_seconds must be positive and finite, got {timeout_seconds}")
    if in_group() or not (dist.is_available() and os.environ.keys() >= set(ENVIRONMENT)):
        yield
        return
    backend = "cpu:gloo,cuda:nccl" if torch.device(device).type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(seconds=timeout_seconds))
    try:
        yield
    finally:
        dist.destroy_process_group()
