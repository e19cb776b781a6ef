"""What the networks made of transformer blocks share: tensors under timm's keys, placed as the core says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from singerprint.models.network import Network
from singerprint.models.placed_tensors import place

DrawnTensor = tuple[str, list[int], str, float]  # key, shape, first values, their scale


class Transformer(Network):
    """Owns the tensors of a native op; the groups below it are names, not layers, so hooks belong on it.

    Args:
        layout: Of the tensors, in the op's order.
        seed: Of their first values; no global generator is touched.
    """

    def __init__(self, layout: Sequence[DrawnTensor], seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self._places = [
            place(self, key, nn.Parameter(_first_values(shape, values, scale, generator)))
            for key, shape, values, scale in layout
        ]


def _first_values(shape: list[int], values: str, scale: float, generator: torch.Generator) -> Tensor:
    tensor = torch.empty(shape)
    if values == "constant":
        nn.init.constant_(tensor, scale)
    elif values == "uniform":
        nn.init.uniform_(tensor, -scale, scale, generator=generator)
    elif values == "normal":
        nn.init.normal_(tensor, std=scale, generator=generator)
    else:
        nn.init.trunc_normal_(tensor, std=scale, generator=generator)
    return tensor
