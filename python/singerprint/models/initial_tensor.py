"""The initial values of an EfficientNet's tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def initial_tensor(shape: list[int], kind: str, generator: torch.Generator) -> Tensor:
    """Draws a tensor of that kind by torchvision's rules.

    Args:
        shape: Of the tensor.
        kind: As `_C.efficientnet_layout` names it.
        generator: What it is drawn from.

    Returns:
        The tensor, float32, or int64 where it counts.

    Source:
        torchvision/models/efficientnet.py, EfficientNet.__init__.
    """
    if kind == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    tensor = torch.zeros(shape)
    if kind == "convolution":
        nn.init.kaiming_normal_(tensor, mode="fan_out", generator=generator)
    elif kind == "linear":
        bound = 1 / math.sqrt(shape[0])
        nn.init.uniform_(tensor, -bound, bound, generator=generator)
    elif kind in ("norm_weight", "running_var"):
        nn.init.ones_(tensor)
    return tensor
