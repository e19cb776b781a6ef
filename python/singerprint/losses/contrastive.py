"""The derivative of the contrastive losses, which is a native op beside each."""

from typing import Any

import torch
from torch import Tensor


def register_contrastive(name: str) -> None:
    """Makes ``<name>_backward`` the derivative of the op, which returns its loss and its ``log_sum_exp``."""

    def setup_context(
        ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
        inputs: tuple[Tensor, Tensor, float],
        output: tuple[Tensor, Tensor],
    ) -> None:
        first, second, temperature = inputs
        log_sum_exp = output[1]
        ctx.mark_non_differentiable(log_sum_exp)
        ctx.save_for_backward(first, second, log_sum_exp)
        ctx.temperature = temperature

    def backward(
        ctx: Any,  # noqa: ANN401 - as above
        grad_loss: Tensor,
        _grad_log_sum_exp: Tensor | None,
    ) -> tuple[Tensor, Tensor, None]:
        first, second, log_sum_exp = ctx.saved_tensors
        op = getattr(torch.ops.singerprint, f"{name}_backward")
        grad_first, grad_second = op(grad_loss, first, second, log_sum_exp, ctx.temperature)
        return grad_first, grad_second, None

    torch.library.register_autograd(f"singerprint::{name}", backward, setup_context=setup_context)
