"""Alignment: how far apart on the sphere the two views of an example are."""

from typing import Any

import torch
from torch import Tensor, nn

from singerprint.losses.options import ROWS, refuse_bad_options


def alignment(first: Tensor, second: Tensor, alpha: float = 2.0) -> Tensor:
    """Mean distance of the two views of each example, each divided by its length, to the power of `alpha`.

    With ``u[b] = first[b] / |first[b]|`` and ``v[b] = second[b] / |second[b]|`` it is the mean over ``b`` of
    ``|u[b] - v[b]|**alpha``; for ``alpha = 2`` that is `byol`, with more digits where the views nearly agree.

    A device repeats it bit for bit, with any number of threads. Where two views agree the gradient is 0, also
    for an `alpha` below 2, which has no slope there. A row of zeros counts as orthogonal (a distance of the
    root of 2); its own gradient is finite but huge, the slope at a length of 1e-12. NaN in, NaN out.

    Args:
        first: ``(batch, dim)`` float32 or float64, any lengths of rows; row ``b`` belongs to row ``b`` of
            `second`.
        second: like `first`; the two may be exchanged.
        alpha: 1 to 100; below 1 the gradient would grow without bound where views agree.

    Returns:
        ``()``, 0 (same directions) to ``2 ** alpha`` (opposite), in the dtype and on the device of `first`.
        Differentiable once, in both embeddings.

    Raises:
        ValueError: a shape, a device or `alpha` does not fit, or there is no row or no column.
        TypeError: a dtype is neither float32 nor float64, or the two differ.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.losses.alignment(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]]))
        tensor(2.)

    Source:
        Wang & Isola 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity
        on the Hypersphere", section 4.1.1.
    """
    loss: Tensor = torch.ops.singerprint.alignment(first, second, alpha)
    return loss


class Alignment(nn.Module):
    """`alignment` as a module.

    Args:
        alpha: 1 to 100.

    Raises:
        ValueError: alpha does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.Alignment(alpha=2.0)(torch.eye(4), torch.eye(4))
    """

    def __init__(self, alpha: float = 2.0) -> None:
        super().__init__()
        refuse_bad_options(alignment, ROWS, ROWS, alpha)
        self.alpha = alpha

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the loss, ``()``, of two views, each ``(batch, dim)``."""
        return alignment(first, second, self.alpha)

    def extra_repr(self) -> str:
        """Shows alpha when the module is printed."""
        return f"alpha={self.alpha}"


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Tensor, Tensor, float],
    output: Tensor,
) -> None:
    first, second, alpha = inputs
    ctx.save_for_backward(first, second)
    ctx.alpha = alpha


def _backward(
    ctx: Any,  # noqa: ANN401 - as above
    grad_loss: Tensor,
) -> tuple[Tensor, Tensor, None]:
    first, second = ctx.saved_tensors
    grad_first, grad_second = torch.ops.singerprint.alignment_backward(grad_loss, first, second, ctx.alpha)
    return grad_first, grad_second, None


torch.library.register_autograd("singerprint::alignment", _backward, setup_context=_setup_context)
