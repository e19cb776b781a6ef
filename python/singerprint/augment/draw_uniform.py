"""Uniform numbers by address: what the parameters of the random augmentations are made of."""

import torch
from torch import Tensor

from singerprint.augment.draw_key import DrawKey


def draw_uniform(key: DrawKey, stream: int, count: int) -> Tensor:
    """Draws ``count`` numbers in [0, 1) for each clip, the same on every device and in every batch.

    Element ``e`` of a row is the top 24 bits of word ``e % 4`` of
    ``Philox4x32-10(counter=(e // 4, clip id, epoch, stream), key=seed)``, times ``2**-24``.

    Args:
        key: who draws; its tensors are on the device of the result. On CUDA only the low 32 bits of clip ids
            and epochs count (to check the others would wait for the device).
        stream: what is drawn, in [0, 2**31): different streams are independent.
        count: numbers per clip, at least 0.

    Returns:
        ``(batch, count)`` float32 in [0, 1).

    Raises:
        ValueError: a shape, a device or a number does not fit.
        TypeError: a dtype is not int64.

    Example:
        >>> import singerprint as sp
        >>> sp.augment.draw_uniform(sp.augment.DrawKey.of(0, [0]), stream=0, count=2)
        tensor([[0.3990, 0.8805]])

    Source:
        Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
    """
    result: Tensor = torch.ops.singerprint.draw_uniform(*key, stream, count)
    return result
