"""What ranks tell each other on the host: small plain values, whatever the devices are busy with.

A tensor collective of ranks that disagree hangs or mixes up memory. So every collective of this package is
preceded by an exchange, which works whatever the ranks bring: one all-gather of 8 bytes a rank, a digest of
(operation, value); only where the digests differ are the values themselves gathered. It goes through gloo on
the host, takes some tenths of a millisecond on one machine, and synchronises no device: a GPU goes on with
what was queued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
import torch.distributed as dist

from singerprint.distributed.process_group import in_group, rank, rank_count

T = TypeVar("T")


class RankError(RuntimeError):
    """Another rank failed, left, came too late or is at another operation."""


@contextmanager
def taking_part(operation: str) -> Iterator[None]:
    """Turns a backend's error about absent ranks into a RankError."""
    try:
        yield
    except RuntimeError as error:
        cause = str(error).strip().split("\n")[0]
        raise RankError(f"{operation}: every rank must take part in time, got: {cause}") from error


def exchange(operation: str, value: T) -> list[T]:
    """Tells every rank the value of each. All ranks must call it, with the same operation.

    Args:
        operation: who asks; it begins the sentence of an error.
        value: of plain types, whose ``repr`` is the same where they are equal.

    Returns:
        The values, one a rank in their order; outside a process group the own one.

    Raises:
        RankError: a rank is absent, or at another operation.

    Example:
        >>> exchange("count", 3)
        [3]
    """
    if not in_group():
        return [value]
    mine = (operation, value)
    digest = hashlib.sha256(repr(mine).encode()).digest()[:8]
    own = torch.tensor(int.from_bytes(digest, "little", signed=True))
    digests = [torch.empty_like(own) for _ in range(rank_count())]
    with taking_part(operation):
        dist.all_gather(digests, own, group=_host_group())
        if all(torch.equal(other, own) for other in digests):
            return [value] * rank_count()
        theirs: list[tuple[str, T]] = [mine] * rank_count()
        dist.all_gather_object(theirs, mine, group=_host_group())
    for number, (other, _) in enumerate(theirs):
        if other != theirs[0][0]:
            raise RankError(
                f"{operation}: every rank must be at the same operation, "
                f"got {theirs[0][0]} on rank 0 and {other} on rank {number}"
            )
    return [other for _, other in theirs]


def same_on_every_rank(operation: str, facts: Mapping[str, object]) -> None:
    """Refuses facts that differ between ranks, by the same sentence on each.

    Args:
        operation: who asks; it begins the sentence.
        facts: what must be the same, of plain types, by the names that the sentence uses.

    Raises:
        ValueError: a fact differs; the first one and the first rank that differs are named.
        RankError: a rank is absent, or at another operation.

    Example:
        >>> same_on_every_rank("train", {"batch_size": 4})
    """
    everyone = exchange(operation, dict(facts))
    for name, expected in everyone[0].items():
        for number, theirs in enumerate(everyone):
            if theirs[name] != expected:
                raise ValueError(
                    f"{operation}: {name} must be the same on every rank, "
                    f"got {expected} on rank 0 and {theirs[name]} on rank {number}"
                )


@contextmanager
def all_or_none(operation: str) -> Iterator[None]:
    """A stretch of work that fails on every rank if it fails on one; its end is a barrier.

    The work itself must not wait for other ranks. A rank whose own work failed raises its own error.

    Args:
        operation: who works; it begins the sentence of an error of the group itself.

    Yields:
        Nothing.

    Raises:
        RankError: the work failed on another rank (its sentence and the rank are told), or a rank is absent.

    Example:
        >>> with all_or_none("save"):
        ...     pass  # what rank 0 writes
    """
    if not in_group():
        yield
        return
    failure: Exception | None = None
    try:
        yield
    except Exception as error:
        failure = error
    sentences = exchange(operation, None if failure is None else str(failure) or type(failure).__name__)
    if failure is not None:
        raise failure
    for number, sentence in enumerate(sentences):
        if number != rank() and sentence is not None:
            raise RankError(f"{sentence} (on rank {number})")


_side_groups: WeakKeyDictionary[dist.ProcessGroup, dist.ProcessGroup] = WeakKeyDictionary()


def _host_group() -> dist.ProcessGroup | None:
    """The default group (None) where it takes CPU tensors; beside a pure NCCL group, one of gloo."""
    if "cpu:" in dist.get_backend_config():
        return None
    world = dist.group.WORLD
    assert world is not None  # in_group
    if world not in _side_groups:
        _side_groups[world] = dist.new_group(backend="gloo")
    return _side_groups[world]
