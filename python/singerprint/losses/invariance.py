"""VICReg's first term: the mean squared difference of two views."""

from typing import Any

import torch
from torch import Tensor


def invariance(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared difference of two views, over all elements: ``mean((first - second) ** 2)``.

    Summed in float64. NaN in, NaN out.

    Args:
        first: ``(batch, dim)`` float32 or float64; row ``b`` belongs to row ``b`` of `second`.
        second: like `first`; the two may be exchanged.

    Returns:
        ``()`` in the dtype and on the device of `first`, at least 0. Differentiable once, in both.

    Raises:
        ValueError: a shape or a device does not fit, or there is no row or no column.
        TypeError: a dtype is neither float32 nor float64, or the two differ.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.losses.invariance(torch.zeros(2, 3), torch.full((2, 3), 2.0))
        tensor(4.)

    Source:
        Bardes, Ponce, LeCun 2022, "VICReg", equation 5, over all elements as facebookresearch/vicreg has it
        (the paper sums over dim).
    """
    loss: Tensor = torch.ops.singerprint.invariance(first, second)
    return loss


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Tensor, Tensor],
    output: Tensor,
) -> None:
    ctx.save_for_backward(*inputs)


def _backward(
    ctx: Any,  # noqa: ANN401 - as above
    grad_loss: Tensor,
) -> tuple[Tensor, Tensor]:
    gradients: tuple[Tensor, Tensor] = torch.ops.singerprint.invariance_backward(
        grad_loss, *ctx.saved_tensors
    )
    return gradients


torch.library.register_autograd("singerprint::invariance", _backward, setup_context=_setup_context)
