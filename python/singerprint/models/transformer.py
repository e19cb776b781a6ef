"""What the networks made of transformer blocks share: tensors under timm's keys, placed as the core says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from singerprint.models.efficientnet import TensorGroup
from singerprint.models.network import Network

DrawnTensor = tuple[str, list[int], str, float]  # key, shape, first values, their scale


class Transformer(Network):
    """Owns the tensors of a native op; the groups below it are names, not layers, so hooks belong on it.

    Args:
        layout: Of the tensors, in the op's order.
        seed: Of their first values; no global generator is touched.
    """

    def __init__(self, layout: Sequence[DrawnTensor], seed: int) -> None:
        super().__init__()
        # Where each tensor lives: looked up anew at every call, so that whatever replaces one
        # (load_state_dict(assign=True), functional_call, FSDP) is seen.
        self._places: list[tuple[nn.Module, str]] = []
        generator = torch.Generator().manual_seed(seed)
        for key, shape, values, scale in layout:
            *groups, name = key.split(".")
            owner: nn.Module = self
            for group in groups:
                if group not in owner._modules:
                    owner.add_module(group, TensorGroup())
                owner = owner.get_submodule(group)
            owner.register_parameter(name, nn.Parameter(_first_values(shape, values, scale, generator)))
            self._places.append((owner, name))

    def _tensors(self) -> list[Tensor]:
        # From the dictionary: nn.Module finds a tensor by a Python function, 150 times a call. What is no
        # parameter at the moment (under functional_call, parametrize) is found by it.
        tensors: list[Tensor] = []
        for owner, name in self._places:
            tensor: Tensor | None = owner._parameters.get(name)
            tensors.append(getattr(owner, name) if tensor is None else tensor)
        return tensors


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
