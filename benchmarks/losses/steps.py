"""What the benches of losses time: forward and backward of every contender on the same embeddings."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Step = Callable[[], Tensor]


def checked_steps(
    losses: Mapping[str, Callable[..., Tensor]], *embeddings: Tensor, gradient_tolerance: float = 1e-4
) -> dict[str, Step]:
    """A step of each loss, by its name, whose results are those of the first one."""
    leaves = [tensor for tensor in embeddings if tensor.requires_grad]

    def step_of(loss: Callable[..., Tensor]) -> Step:
        def step() -> Tensor:
            for leaf in leaves:
                leaf.grad = None
            value = loss(*embeddings)
            value.backward()
            return value.detach()

        return step

    steps = {name: step_of(loss) for name, loss in losses.items()}
    results = [(step(), torch.cat([leaf.grad for leaf in leaves])) for step in steps.values()]
    expected_value, expected_gradients = results[0]
    for value, gradients in results:
        torch.testing.assert_close(value, expected_value, rtol=1e-5, atol=0)  # theirs are float32 throughout
        assert (gradients - expected_gradients).norm() <= gradient_tolerance * expected_gradients.norm()
    return steps
