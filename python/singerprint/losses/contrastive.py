"""What the losses that return their ``log_sum_exp`` too share: derivative and modules."""

from typing import Any

import torch
from torch import Tensor, nn


class AtTemperature(nn.Module):
    """A loss with one option, its temperature.

    Args:
        temperature: 1e-6 to 1e6.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def extra_repr(self) -> str:
        """Shows the temperature when the module is printed."""
        return f"temperature={self.temperature}"


def register_contrastive(name: str) -> None:
    """Makes ``<name>_backward`` the derivative of the op, which returns its loss and its ``log_sum_exp``.

    The op takes tensors and then numbers, ``<name>_backward`` grad_loss, the tensors, ``log_sum_exp`` and the
    numbers; it returns the gradient by the first tensor, or the gradients by the first tensors.
    """

    def setup_context(
        ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
        inputs: tuple[Tensor | float, ...],
        output: tuple[Tensor, Tensor],
    ) -> None:
        log_sum_exp = output[1]
        ctx.mark_non_differentiable(log_sum_exp)
        ctx.save_for_backward(*(value for value in inputs if isinstance(value, Tensor)), log_sum_exp)
        ctx.numbers = [value for value in inputs if not isinstance(value, Tensor)]

    def backward(
        ctx: Any,  # noqa: ANN401 - as above
        grad_loss: Tensor,
        _grad_log_sum_exp: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        op = getattr(torch.ops.singerprint, f"{name}_backward")
        result = op(grad_loss, *ctx.saved_tensors, *ctx.numbers)
        gradients = (result,) if isinstance(result, Tensor) else tuple(result)
        inputs = len(ctx.saved_tensors) - 1 + len(ctx.numbers)
        return gradients + (None,) * (inputs - len(gradients))

    torch.library.register_autograd(f"singerprint::{name}", backward, setup_context=setup_context)
