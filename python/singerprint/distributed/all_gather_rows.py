"""all_gather_rows: every rank's rows, on every rank, with the gradient that one process would have.

    result[r * batch + b] = rows of rank r [b]
    gradient of rows on rank r [b] = sum over ranks of their gradients of result[r * batch + b]

The backward is the adjoint of the forward, a reduce-scatter. A loss L of the gathered rows is the same on all
ranks, so the sum counts its gradient rank_count() times, and the mean of the ranks' parameter gradients that
DistributedDataParallel or `average_over_ranks` takes is exactly the gradient of L in one process. The same
holds for the mean over ranks of losses of local rows, which need no gather.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from singerprint.distributed.exchange import same_on_every_rank, taking_part
from singerprint.distributed.process_group import in_group, rank_count

OPERATION = "all_gather_rows"


def all_gather_rows(rows: Tensor) -> Tensor:
    """The rows of all ranks, those of rank ``r`` at ``[r * batch, (r + 1) * batch)``, on every rank.

    A loss of the result is the loss of the global batch, and bit for bit that of one process that holds the
    same rows. Backward, each rank receives the sum over ranks of the gradients of its rows: with the mean
    over ranks of the parameters' gradients, as DistributedDataParallel takes it, training has exactly the
    gradients of one process. All ranks must go backward, or none.

    Shape, dtype, device and ``requires_grad`` are compared on the host before each gather, without
    synchronising a device; that costs some tenths of a millisecond. Outside a process group the result is
    `rows` itself.

    Args:
        rows: ``(batch, dim)``, or any shape with a first dimension; any dtype and device that the backend
            takes (gloo: CPU, NCCL: CUDA), the same on every rank.

    Returns:
        ``(ranks * batch, dim)``, dtype and device of `rows`. Differentiable once.

    Raises:
        ValueError: there is no first dimension, or ranks differ in what must be the same: one sentence, on
            every rank.
        RankError: a rank failed, left, or did not come before the process group's timeout.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.distributed.all_gather_rows(torch.eye(2))  # outside a process group
        tensor([[1., 0.],
                [0., 1.]])

    Source:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", whose loss
        is over the global batch; facebookresearch/vicreg's FullGatherLayer has the same gradient.
    """
    if in_group():
        same_rows(OPERATION, rows)
    if rows.ndim == 0:
        raise ValueError(f"{OPERATION}: rows must have shape (batch, dim), got []")
    if not in_group():
        return rows
    gathered: Tensor = _AllGatherRows.apply(rows)  # type: ignore[no-untyped-call]
    return gathered


def same_rows(operation: str, rows: Tensor) -> None:
    """Refuses rows with which a collective, forward or backward, would hang."""
    same_on_every_rank(
        operation,
        {
            "shape of rows": list(rows.shape),
            "dtype of rows": str(rows.dtype),
            "device of rows": rows.device.type,
            "requires_grad of rows": torch.is_grad_enabled() and rows.requires_grad,
        },
    )


def gather_parts(operation: str, part: Tensor) -> Tensor:
    """(ranks, *shape): the tensors of all ranks, which have one shape."""
    parts = part.new_empty(rank_count(), *part.shape)
    if part.numel():
        with taking_part(operation):
            dist.all_gather(list(parts.unbind()), part.contiguous())
    return parts


class _AllGatherRows(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
        rows: Tensor,
    ) -> Tensor:
        ctx.shape = rows.shape
        return gather_parts(OPERATION, rows).flatten(0, 1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401 - as above
        gradient: Tensor,
    ) -> Tensor:
        own = gradient.new_empty(ctx.shape)
        if own.numel():
            with taking_part(f"{OPERATION}'s backward"):
                dist.reduce_scatter(own, list(gradient.contiguous().chunk(rank_count())))
        return own
