"""What a stretch of training gave and cost: mean losses, clips per second, the share spent waiting."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class StretchClock:
    """Counts steps from its making on; figures stay on their device until they are summed up."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._waited_seconds = 0.0
        self._clips = 0
        self._figures: dict[str, list[Tensor]] = {}

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context whose duration counts as waiting for data."""
        entered = time.perf_counter()
        try:
            yield
        finally:
            self._waited_seconds += time.perf_counter() - entered

    def count(self, clips: int, figures: Mapping[str, Tensor]) -> None:
        """Adds one step of ``clips`` clips; its figures, each ``()``, are the same for every step."""
        self._clips += clips
        for name, figure in figures.items():
            self._figures.setdefault(name, []).append(figure)

    def summary(self) -> dict[str, float]:
        """Means of the figures, ``clips_per_second``, ``waiting_share``, ``seconds`` of the counted steps."""
        means = torch.stack([torch.stack(figures).mean() for figures in self._figures.values()])
        figures = dict(zip(self._figures, means.tolist(), strict=True))  # the only wait for a device
        seconds = time.perf_counter() - self._started
        return figures | {
            "clips_per_second": self._clips / seconds,
            "waiting_share": self._waited_seconds / seconds,
            "seconds": seconds,
        }
