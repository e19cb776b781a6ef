"""Draw keys: the address of a random number. Equal keys draw equal numbers, on any machine, in any batch."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_WORD = 2**32


class DrawKey(NamedTuple):
    """Who draws: the key and two words of the counter of Philox4x32-10, one row per clip.

    Tensors, so that neither ``torch.compile`` nor a CUDA graph bakes the numbers in.

    Attributes:
        seed: ``()`` int64, of the experiment.
        clip_ids: ``(batch,)`` int64 in [0, 2**32): which clip of the data set, wherever in the batch.
        epochs: ``(batch,)`` int64 in [0, 2**32): ``epoch * views + view``.
    """

    seed: Tensor
    clip_ids: Tensor
    epochs: Tensor

    @classmethod
    def of(
        cls,
        seed: int,
        clip_ids: Sequence[int] | Tensor,
        epoch: int | Tensor = 0,
        view: int = 0,
        views: int = 2,
        *,
        device: torch.device | str = "cpu",
    ) -> "DrawKey":
        """The key of one view of a batch of clips.

        Args:
            seed: in [-2**63, 2**63).
            clip_ids: ``(batch,)`` integers in [0, 2**32).
            epoch: how often the data set was gone through, from 0; or ``(batch,)`` integers, each clip's own.
            view: which of the differently augmented views of the same clip, in [0, views).
            views: views per clip and epoch, at least 1.
            device: where the waveforms are.

        Returns:
            The key, on ``device``.

        Raises:
            ValueError: a number is outside its range.
            TypeError: ``clip_ids`` are not integers.

        Example:
            >>> import singerprint as sp
            >>> sp.augment.DrawKey.of(7, [40, 2], epoch=3, view=1).epochs
            tensor([7, 7])
        """
        _check(-(2**63) <= seed < 2**63, "seed must be in [-2**63, 2**63)", seed)
        _check(views >= 1, "views must be at least 1", views)
        _check(0 <= view < views, f"view must be in [0, views) with views = {views}", view)
        clips = _integers("clip_ids", clip_ids)
        epochs = _integers("epoch", epoch if isinstance(epoch, Tensor) else torch.full(clips.shape, epoch))
        if epochs.shape != clips.shape:
            raise ValueError(
                f"DrawKey: epoch must have shape (batch,) with batch = {len(clips)}, got {list(epochs.shape)}"
            )
        if epochs.numel():
            _check(int(epochs.min()) >= 0, "epoch must not be negative", int(epochs.min()))
            number = int(epochs.max()) * views + view
            _check(number < _WORD, "epoch * views + view must be below 2**32", number)
        outside = clips[(clips < 0) | (clips >= _WORD)]
        if outside.numel():
            raise ValueError(f"DrawKey: clip_ids must be in [0, 2**32), got {outside[0].item()}")
        return cls(
            torch.tensor(seed, dtype=torch.int64, device=device),
            clips.to(device),
            (epochs * views + view).to(device),
        )

    def to(self, device: torch.device | str) -> "DrawKey":
        """The same key on another device."""
        return DrawKey(self.seed.to(device), self.clip_ids.to(device), self.epochs.to(device))


def _check(holds: bool, rule: str, value: int) -> None:
    if not holds:
        raise ValueError(f"DrawKey: {rule}, got {value}")


def _integers(name: str, numbers: Sequence[int] | Tensor) -> Tensor:
    values = torch.as_tensor(numbers)
    if values.numel() == 0:  # an empty list has no dtype of its own
        values = values.to(torch.int64)
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise TypeError(f"DrawKey: {name} must be integers, got {values.dtype}")
    if values.dim() != 1:
        raise ValueError(f"DrawKey: {name} must have shape (batch,), got {list(values.shape)}")
    return values.to(torch.int64)
