"""The windows that a long clip is embedded in."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor


def windows_of(waveform: Tensor, window_samples: int, batch: int) -> Iterator[Tensor]:
    """Covers a clip by as few windows as possible, evenly spaced, and yields them by `batch`.

    The first window starts where the clip does, the last one ends where it does; a clip of at most one window
    is yielded as it is.

    Args:
        waveform: ``(samples,)``.
        window_samples: Length of a window.
        batch: Windows at once; no more than these are copied at a time.

    Yields:
        ``(at most batch, samples)``.
    """
    samples = len(waveform)
    count = math.ceil(samples / window_samples)
    if count <= 1:
        yield waveform.unsqueeze(0)
        return
    starts = [round(window * (samples - window_samples) / (count - 1)) for window in range(count)]
    for first in range(0, count, batch):
        yield torch.stack(
            [waveform[start : start + window_samples] for start in starts[first : first + batch]]
        )
