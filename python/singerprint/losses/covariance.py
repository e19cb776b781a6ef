"""VICReg's third term: the squared covariances of different dimensions."""

from typing import Any

import torch
from torch import Tensor


def covariance(embeddings: Tensor) -> Tensor:
    """Squared covariances of different dimensions over the batch: ``sum over i != j of C[i, j] ** 2 / dim``.

    ``C`` is the unbiased covariance (``batch - 1``). One view: `vicreg` takes the sum of two. Only the
    smaller of ``(batch, batch)`` and ``(dim, dim)`` is ever made, so memory grows with ``batch * dim``. All
    is float64 within. With fewer rows than dimensions the sum is a difference: one dimension that varies far
    more than all others together leaves up to ``batch * dim * 2**-52`` of the squared sum of the variances. A
    device repeats it bit for bit with the same number of threads; with another, PyTorch's matrix product may
    differ in its last bits. NaN in, NaN out, but for one dimension, which has no other and costs 0.

    Args:
        embeddings: ``(batch, dim)`` float32 or float64, at least two rows.

    Returns:
        ``()`` in the dtype and on the device of `embeddings`, at least 0. Differentiable once.

    Raises:
        ValueError: a shape does not fit, or there are fewer than two rows or no column.
        TypeError: the dtype is neither float32 nor float64.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.losses.covariance(torch.tensor([[-1.0, -2.0], [1.0, 2.0]]))  # 4 twice: 2 * 4**2 / 2
        tensor(16.)

    Source:
        Bardes, Ponce, LeCun 2022, "VICReg", equations 3 and 4.
    """
    loss: Tensor = torch.ops.singerprint.covariance(embeddings)[0]
    return loss


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Tensor],
    output: tuple[Tensor, Tensor],
) -> None:
    product = output[1]
    ctx.mark_non_differentiable(product)
    ctx.set_materialize_grads(False)  # no zeros as large as it is
    ctx.save_for_backward(*inputs, product)


def _backward(
    ctx: Any,  # noqa: ANN401 - as above
    grad_loss: Tensor | None,
    _grad_product: Tensor | None,
) -> Tensor | None:
    if grad_loss is None:
        return None
    gradient: Tensor = torch.ops.singerprint.covariance_backward(grad_loss, *ctx.saved_tensors)
    return gradient


torch.library.register_autograd("singerprint::covariance", _backward, setup_context=_setup_context)
