"""Log-mel spectrogram of a waveform that arrives in blocks."""

from typing import Any

import torch
from torch import Tensor

from singerprint.frontend.log_mel import log_mel, log_mel_options


class LogMelStream:
    """Gives the frames of :func:`log_mel` as soon as their samples are there, bit for bit.

    All frames that ``push`` and ``flush`` return, one after the other, are ``log_mel`` of all blocks, one
    after the other, whatever the blocks' sizes are. After ``flush`` a new stream begins.

    Args:
        options: by name, as in :func:`log_mel`.

    Raises:
        ValueError: an option does not fit.
        TypeError: an option is none of :func:`log_mel`'s.

    Example:
        >>> import torch, singerprint as sp
        >>> waveforms, stream = torch.randn(1, 44100), sp.frontend.LogMelStream()
        >>> frames = [stream.push(block) for block in waveforms.split(1000, dim=1)] + [stream.flush()]
        >>> torch.equal(torch.cat(frames, dim=2), sp.frontend.log_mel(waveforms))
        True
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of log_mel
        self.options = log_mel_options(**options)
        self._begin()

    def _begin(self) -> None:
        self._waiting: Tensor | None = None  # (batch, samples) that frames to come begin with
        self._recent: Tensor | None = None  # (batch, up to n_fft / 2 + 1): the last samples
        self._skipped = 0  # samples until the next frame begins, where hops are longer than frames
        self._headed = not self.options["centred"]  # whether what stands before the first sample is there

    @property
    def _half(self) -> int:
        return int(self.options["n_fft"]) // 2

    def push(self, block: Tensor) -> Tensor:
        """Takes the next samples.

        Args:
            block: ``(batch, samples)`` float32 or float64, any number of samples; batch, dtype and device as
                in the first block.

        Returns:
            ``(batch, mels, frames)``: the frames that are complete now, often none.

        Raises:
            ValueError: the shape or the device is not that of the first block.
            TypeError: the block is neither float32 nor float64, or not as the first one.
        """
        if block.dim() != 2:
            raise ValueError(f"LogMelStream: block must have shape (batch, samples), got {list(block.shape)}")
        if self._waiting is None or self._recent is None:
            self._waiting = self._recent = block.new_empty(len(block), 0)
        self._check_as_before(block, self._waiting)
        self._waiting = torch.cat([self._waiting, block], dim=1)
        # Clones: a view would keep all of a long block.
        self._recent = torch.cat([self._recent, block], dim=1)[:, -(self._half + 1) :].clone()
        if not self._headed and (self._waiting.shape[1] > self._half or self.options["padding"] == "zeros"):
            head = self._beyond(self._waiting[:, 1 : self._half + 1])
            self._waiting = torch.cat([head, self._waiting], dim=1)
            self._headed = True
        return self._complete_frames(self._waiting) if self._headed else self._no_frames(block)

    def _check_as_before(self, block: Tensor, before: Tensor) -> None:
        if block.dtype not in {torch.float32, torch.float64}:
            raise TypeError(f"LogMelStream: block must be float32 or float64, got {block.dtype}")
        if len(block) != len(before):
            raise ValueError(
                f"LogMelStream: block must have batch = {len(before)} as before, got {len(block)}"
            )
        if block.dtype != before.dtype:
            raise TypeError(f"LogMelStream: block must be {before.dtype} as before, got {block.dtype}")
        if block.device != before.device:
            raise ValueError(f"LogMelStream: block must be on {before.device} as before, got {block.device}")

    def flush(self) -> Tensor:
        """Ends the stream.

        Returns:
            ``(batch, mels, frames)``: the frames that reach over the end.

        Raises:
            ValueError: nothing was pushed, or too little to be mirrored.
        """
        if self._waiting is None or self._recent is None:
            raise ValueError("LogMelStream: flush must follow a push, got none")
        waiting, recent, headed = self._waiting, self._recent, self._headed
        if not headed:  # log_mel has the sentence for so little
            frames = log_mel(waiting, **self.options)
        elif self.options["centred"]:
            frames = self._complete_frames(torch.cat([waiting, self._beyond(recent[:, :-1])], dim=1))
        else:
            frames = self._no_frames(waiting)
        self._begin()
        return frames

    def _beyond(self, inside: Tensor) -> Tensor:
        """What stands beyond an end: the ``n_fft / 2`` samples inside it, mirrored, or zeros."""
        if self.options["padding"] == "zeros":
            return inside.new_zeros(len(inside), self._half)
        return inside.flip(1)

    def _complete_frames(self, waiting: Tensor) -> Tensor:
        n_fft, hop_length = self.options["n_fft"], self.options["hop_length"]
        begun = waiting[:, self._skipped :]
        if begun.shape[1] < n_fft:
            self._waiting = waiting
            return self._no_frames(waiting)
        count = 1 + (begun.shape[1] - n_fft) // hop_length
        frames = log_mel(begun[:, : (count - 1) * hop_length + n_fft], **{**self.options, "centred": False})
        begins = self._skipped + count * hop_length  # the next one
        self._waiting = waiting[:, begins:].clone()
        self._skipped = max(0, begins - waiting.shape[1])
        return frames

    def _no_frames(self, like: Tensor) -> Tensor:
        return like.new_empty(len(like), self.options["n_mels"], 0)
