"""What a stretch of training cost: mean loss, clips per second, the share spent waiting for data."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class StretchClock:
    """Counts steps from its making on; losses stay on their device until they are summed up."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._waited_seconds = 0.0
        self._clips = 0
        self._losses: list[Tensor] = []

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context whose duration counts as waiting for data."""
        entered = time.perf_counter()
        try:
            yield
        finally:
            self._waited_seconds += time.perf_counter() - entered

    def count(self, clips: int, loss: Tensor) -> None:
        """Adds one step of ``clips`` clips."""
        self._clips += clips
        self._losses.append(loss)

    def summary(self) -> dict[str, float]:
        """``loss``, ``clips_per_second``, ``waiting_share`` ``seconds`` of the counted steps."""
        loss = float(torch.stack(self._losses).mean())  # the only synchronisation with a device
        seconds = time.perf_counter() - self._started
        return {
            "loss": loss,
            "clips_per_second": self._clips / seconds,
            "waiting_share": self._waited_seconds / seconds,
            "seconds": seconds,
        }
