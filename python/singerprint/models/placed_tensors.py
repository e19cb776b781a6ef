"""Tensors of a native op under the keys of a published network, in groups that are names, not layers."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

# Who holds a tensor, and under which name. A network keeps places, not tensors, so that whatever replaces a
# tensor (load_state_dict(assign=True), functional_call, FSDP) is seen at the next call.
Place = tuple[nn.Module, str]


class TensorGroup(nn.Module):
    """Holds the tensors (and groups) of one level of keys; it computes nothing."""

    def extra_repr(self) -> str:
        """The shapes of its tensors."""
        tensors = {**dict(self.named_parameters(recurse=False)), **dict(self.named_buffers(recurse=False))}
        return ", ".join(f"{name}={tuple(tensor.shape)}" for name, tensor in tensors.items())


def place(network: nn.Module, key: str, tensor: Tensor) -> Place:
    """Registers a tensor of a network.

    Args:
        network: Its owner.
        key: Where in the network, groups and name parted by dots; groups are made where they are missing.
        tensor: An `nn.Parameter`, or else a buffer.

    Returns:
        What `tensors_at` finds it by.
    """
    *groups, name = key.split(".")
    owner = network
    for group in groups:
        if group not in owner._modules:
            owner.add_module(group, TensorGroup())
        owner = owner.get_submodule(group)
    if isinstance(tensor, nn.Parameter):
        owner.register_parameter(name, tensor)
    else:
        owner.register_buffer(name, tensor)
    return owner, name


def tensors_at(places: Iterable[Place]) -> list[Tensor]:
    """Looks up the tensors that lie at places now, in their order."""
    # From the dictionaries: nn.Module finds its tensors by a Python function, which for 311 of them takes as
    # long as a layer. What is in neither at the moment (under parametrize) is found by it.
    tensors: list[Tensor] = []
    for owner, name in places:
        tensor: Tensor | None = owner._parameters.get(name)
        if tensor is None:
            tensor = owner._buffers.get(name)
        tensors.append(getattr(owner, name) if tensor is None else tensor)
    return tensors
