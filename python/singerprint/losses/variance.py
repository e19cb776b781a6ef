"""VICReg's second term: how far the spread of each dimension stays below a target."""

from typing import Any

import torch
from torch import Tensor


def variance(embeddings: Tensor, gamma: float = 1.0, eps: float = 1e-4) -> Tensor:
    """Hinge on the standard deviation over the batch: ``mean over dim of max(0, gamma - sqrt(var + eps))``.

    ``var`` is unbiased (``batch - 1``). One view: `vicreg` takes half the sum of two. Collapsed rows cost
    ``gamma - sqrt(eps)`` and have a finite gradient. Summed in float64. NaN in, NaN out.

    Args:
        embeddings: ``(batch, dim)`` float32 or float64, at least two rows.
        gamma: the standard deviation to reach, positive; ``1 / sqrt(dim)`` where rows have length 1.
        eps: added to the variance, positive.

    Returns:
        ``()`` in the dtype and on the device of `embeddings`, at least 0. Differentiable once.

    Raises:
        ValueError: a shape, gamma or eps does not fit, or there are fewer than two rows or no column.
        TypeError: the dtype is neither float32 nor float64.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.losses.variance(torch.ones(4, 8))  # collapsed: 1 - sqrt(1e-4)
        tensor(0.9900)

    Source:
        Bardes, Ponce, LeCun 2022, "VICReg", equations 1 and 2.
    """
    loss: Tensor = torch.ops.singerprint.variance(embeddings, gamma, eps)
    return loss


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Tensor, float, float],
    output: Tensor,
) -> None:
    embeddings, ctx.gamma, ctx.eps = inputs
    ctx.save_for_backward(embeddings)


def _backward(
    ctx: Any,  # noqa: ANN401 - as above
    grad_loss: Tensor,
) -> tuple[Tensor, None, None]:
    (embeddings,) = ctx.saved_tensors
    gradient = torch.ops.singerprint.variance_backward(grad_loss, embeddings, ctx.gamma, ctx.eps)
    return gradient, None, None


torch.library.register_autograd("singerprint::variance", _backward, setup_context=_setup_context)
