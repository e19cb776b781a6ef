"""BYOL's objective: the distance between the directions of a prediction and of a target."""

from typing import Any

import torch
from torch import Tensor, nn


def byol(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance between the directions of two embeddings: ``mean over b of 2 - 2 * cos[b]``.

    This is one direction; the symmetric loss of the paper adds the same with the two views exchanged. Both
    arguments receive gradients: pass ``target.detach()`` as the paper does. A row of zeros counts as
    orthogonal (2); its own gradient is finite but huge, the slope at a length of 1e-12. NaN stays NaN.

    Args:
        prediction: ``(batch, dim)`` float32 or float64, any lengths of rows.
        target: like `prediction`.

    Returns:
        ``()``, 0 (same direction) to 4 (opposite), in the dtype and on the device of `prediction`.
        Differentiable once.

    Raises:
        ValueError: a shape or a device does not fit, or there is no row or no column.
        TypeError: a dtype is neither float32 nor float64, or the two differ.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.losses.byol(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]]))
        tensor(2.)

    Source:
        Grill et al. 2020, "Bootstrap Your Own Latent", equation 2.
    """
    loss: Tensor = torch.ops.singerprint.byol(prediction, target)
    return loss


class BYOL(nn.Module):
    """`byol` as a module.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.BYOL()(torch.eye(4), torch.eye(4))
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, ``()``, of a prediction and a target, each ``(batch, dim)``."""
        return byol(prediction, target)


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
    prediction, target = ctx.saved_tensors
    gradients: tuple[Tensor, Tensor] = torch.ops.singerprint.byol_backward(grad_loss, prediction, target)
    return gradients


torch.library.register_autograd("singerprint::byol", _backward, setup_context=_setup_context)
