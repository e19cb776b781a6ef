"""VICReg: views near each other, dimensions that vary and do not vary together."""

from typing import Any

import torch
from torch import Tensor, nn

from singerprint.losses.options import ROWS, refuse_bad_options


def vicreg(
    first: Tensor,
    second: Tensor,
    invariance_weight: float = 25.0,
    variance_weight: float = 25.0,
    covariance_weight: float = 1.0,
    gamma: float = 1.0,
    eps: float = 1e-4,
) -> Tensor:
    """Weighted sum of `invariance`, `variance` and `covariance` of two views.

    With the factors of the released code (the paper's equation 6 does not halve the variances)::

        invariance_weight * invariance(first, second)
        + variance_weight * (variance(first, gamma, eps) + variance(second, gamma, eps)) / 2
        + covariance_weight * (covariance(first) + covariance(second))

    Finite for collapsed rows, loss and gradients. Memory grows with ``batch * dim``. All is float64 within,
    one rounding of the result. A device repeats it bit for bit with the same number of threads; with another,
    PyTorch's matrix product may differ in its last bits. NaN in, NaN out.

    Args:
        first: ``(batch, dim)`` float32 or float64, at least two rows; row ``b`` belongs to row ``b`` of
            `second`.
        second: like `first`; the two may be exchanged.
        invariance_weight: 0 or more.
        variance_weight: 0 or more.
        covariance_weight: 0 or more.
        gamma: the standard deviation to reach, positive; ``1 / sqrt(dim)`` where rows have length 1.
        eps: added to the variances, positive.

    Returns:
        ``()`` in the dtype and on the device of `first`, at least 0. Differentiable once, in both embeddings.

    Raises:
        ValueError: a shape, a device, a weight, gamma or eps does not fit, or there are fewer than two rows
            or no column.
        TypeError: a dtype is neither float32 nor float64, or the two differ.

    Example:
        >>> import torch, singerprint as sp
        >>> same = torch.ones(4, 8)
        >>> sp.losses.vicreg(same, same)  # collapsed: 25 * 0.99
        tensor(24.7500)

    Source:
        Bardes, Ponce, LeCun 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised
        Learning", section 4.1, and github.com/facebookresearch/vicreg.
    """
    loss: Tensor = torch.ops.singerprint.vicreg(
        first, second, invariance_weight, variance_weight, covariance_weight, gamma, eps
    )[0]
    return loss


class VICReg(nn.Module):
    """`vicreg` as a module.

    Args:
        invariance_weight: 0 or more.
        variance_weight: 0 or more.
        covariance_weight: 0 or more.
        gamma: the standard deviation to reach, positive; ``1 / sqrt(dim)`` where rows have length 1.

    Raises:
        ValueError: a weight or gamma does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.VICReg(gamma=8**-0.5)(torch.eye(4, 8), torch.eye(4, 8))
    """

    def __init__(
        self,
        invariance_weight: float = 25.0,
        variance_weight: float = 25.0,
        covariance_weight: float = 1.0,
        gamma: float = 1.0,
    ) -> None:
        super().__init__()
        refuse_bad_options(vicreg, ROWS, ROWS, invariance_weight, variance_weight, covariance_weight, gamma)
        self.invariance_weight = invariance_weight
        self.variance_weight = variance_weight
        self.covariance_weight = covariance_weight
        self.gamma = gamma

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the loss, ``()``, of two views, each ``(batch, dim)``."""
        return vicreg(
            first, second, self.invariance_weight, self.variance_weight, self.covariance_weight, self.gamma
        )

    def extra_repr(self) -> str:
        """Shows the weights and gamma when the module is printed."""
        return (
            f"invariance_weight={self.invariance_weight}, variance_weight={self.variance_weight}, "
            f"covariance_weight={self.covariance_weight}, gamma={self.gamma}"
        )


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Any, ...],
    output: tuple[Tensor, Tensor],
) -> None:
    first, second, *ctx.options = inputs
    products = output[1]
    ctx.mark_non_differentiable(products)
    ctx.set_materialize_grads(False)  # no zeros as large as they are
    ctx.save_for_backward(first, second, products)


def _backward(
    ctx: Any,  # noqa: ANN401 - as above
    grad_loss: Tensor | None,
    _grad_products: Tensor | None,
) -> tuple[Tensor | None, ...]:
    gradients: tuple[Tensor | None, ...] = (None, None)
    if grad_loss is not None:
        gradients = torch.ops.singerprint.vicreg_backward(grad_loss, *ctx.saved_tensors, *ctx.options)
    return *gradients, None, None, None, None, None


torch.library.register_autograd("singerprint::vicreg", _backward, setup_context=_setup_context)
