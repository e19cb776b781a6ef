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


def frame_windows(waveform: Tensor, window_samples: int, hop_samples: int) -> Iterator[tuple[Tensor, slice]]:
    """Covers a clip of more than a window by windows of whole hops, one behind the other.

    A window of ``samples`` has frames centred on each of its samples ``0, hop_samples, ... <= samples``. The
    last window reaches back over the one before it, so that none is shorter than the others.

    Args:
        waveform: ``(samples,)``.
        window_samples: Length of the longest window, rounded down to whole hops; at least one.
        hop_samples: Samples from one frame to the next.

    Yields:
        ``(samples of the window,)``, and those of its frames that are taken: in all, each of the
        ``1 + samples // hop_samples`` frames of the clip once.
    """
    samples = len(waveform)
    if samples <= window_samples:
        yield waveform, slice(None)
        return
    window_hops = max(1, window_samples // hop_samples)
    frames, first = 1 + samples // hop_samples, 0
    while frames - first > window_hops + 1:
        yield waveform[first * hop_samples : (first + window_hops) * hop_samples], slice(window_hops)
        first += window_hops
    start = max(0, frames - 1 - window_hops)
    yield waveform[start * hop_samples :], slice(first - start, None)
