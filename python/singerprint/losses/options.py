"""What a loss module says of its options when it is made, not first when it is called."""

from collections.abc import Callable

import torch
from torch import Tensor

ROWS = torch.empty(2, 2, dtype=torch.float32, device="meta")
SINGERS = torch.empty(2, dtype=torch.int64, device="meta")


def refuse_bad_options(loss: Callable[..., Tensor], *arguments: Tensor | float) -> None:
    """Calls a loss on tensors of the meta device: nothing is computed, but the op checks as it always does.

    Args:
        loss: the function that the module calls.
        arguments: what it takes; `ROWS` for embeddings, `SINGERS` for their singers.

    Raises:
        ValueError: an option does not fit, in the op's words.
    """
    loss(*arguments)
