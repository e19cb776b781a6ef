"""EfficientNet-B0: from spectrograms to embeddings (Tan and Le 2019, https://arxiv.org/abs/1905.11946).

The module owns the tensors, under torchvision's keys; `torch.ops.singerprint.efficientnet_b0` computes with
them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from singerprint import _C
from singerprint.models.network import Network

MOMENTUM = 0.1
EPS = 1e-5


class TensorGroup(nn.Module):
    """Holds the tensors (and groups) of one level of torchvision's keys; it computes nothing."""

    def extra_repr(self) -> str:
        """The shapes of its tensors."""
        tensors = {**dict(self.named_parameters(recurse=False)), **dict(self.named_buffers(recurse=False))}
        return ", ".join(f"{name}={tuple(tensor.shape)}" for name, tensor in tensors.items())


class EfficientNet(Network):
    """EfficientNet-B0 whose last linear layer is the embedding; see `efficientnet_b0`.

    The mode of this module (`train`, `eval`) is that of all its batch norms: the groups below it are names,
    not layers, so hooks belong on this module and SyncBatchNorm's conversion finds nothing to convert. There
    is no dropout and no stochastic depth.
    """

    def __init__(self, in_channels: int = 1, embedding_dim: int = 1000, *, seed: int = 0) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.embedding_dim = embedding_dim
        # Where each tensor of the op lives, in the op's order: looked up anew at every call, so that whatever
        # replaces a tensor (load_state_dict(assign=True), functional_call, FSDP) is seen.
        self._parameter_places: list[tuple[nn.Module, str]] = []
        self._statistic_places: list[tuple[nn.Module, str]] = []
        self._count_places: list[tuple[nn.Module, str]] = []
        generator = torch.Generator().manual_seed(seed)
        for key, shape, kind in _C.efficientnet_b0_layout(in_channels, embedding_dim):
            self._place(key, _initial(shape, kind, generator), kind)

    def _place(self, key: str, tensor: Tensor, kind: str) -> None:
        *groups, name = key.split(".")
        owner: nn.Module = self
        for group in groups:
            if group not in owner._modules:
                owner.add_module(group, TensorGroup())
            owner = owner.get_submodule(group)
        if kind in ("running_mean", "running_var", "num_batches_tracked"):
            owner.register_buffer(name, tensor)
            places = self._count_places if kind == "num_batches_tracked" else self._statistic_places
        else:
            owner.register_parameter(name, nn.Parameter(tensor))
            places = self._parameter_places
        places.append((owner, name))

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Embeds each spectrogram.

        Args:
            spectrograms: ``(batch, in_channels, mels, frames)``, of the parameters' dtype.

        Returns:
            ``(batch, embedding_dim)``.

        Raises:
            ValueError: A shape does not fit, or there is no clip.
            TypeError: The dtype is not that of the parameters.
        """
        result: Tensor = torch.ops.singerprint.efficientnet_b0(
            spectrograms,
            _tensors(self._parameter_places),
            _tensors(self._statistic_places),
            self.training,
            MOMENTUM,
            EPS,
        )
        if self.training:
            torch._foreach_add_([getattr(owner, name) for owner, name in self._count_places], 1)
        return result

    def extra_repr(self) -> str:
        """The sizes it was made with."""
        return f"in_channels={self.in_channels}, embedding_dim={self.embedding_dim}"


def _tensors(places: list[tuple[nn.Module, str]]) -> list[Tensor]:
    # nn.Module finds its tensors by a Python function: for 311 of them that takes as long as a layer.
    tensors: list[Tensor] = []
    for owner, name in places:
        tensor: Tensor | None = owner._parameters.get(name)
        if tensor is None:
            tensor = owner._buffers.get(name)
        tensors.append(getattr(owner, name) if tensor is None else tensor)
    return tensors


def _initial(shape: list[int], kind: str, generator: torch.Generator) -> Tensor:
    # torchvision's rules (torchvision/models/efficientnet.py, EfficientNet.__init__).
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


def efficientnet_b0(in_channels: int = 1, embedding_dim: int = 1000, *, seed: int = 0) -> EfficientNet:
    """Makes an EfficientNet-B0 with random weights: 5.3 million of them at an embedding of 1000.

    Its state dict has the keys and shapes of torchvision's ``efficientnet_b0(num_classes=embedding_dim)``,
    and with ``in_channels=3`` loads it.

    Args:
        in_channels: Channels of a spectrogram, at least 1.
        embedding_dim: Length of an embedding, at least 1.
        seed: Of the initial weights, which are drawn as torchvision draws them; no global generator is
            touched.

    Returns:
        The module, in training mode: ``(batch, in_channels, mels, frames) -> (batch, embedding_dim)``.

    Raises:
        ValueError: A size is below 1.

    Example:
        >>> import torch, singerprint as sp
        >>> network = sp.models.efficientnet_b0().eval()
        >>> network(torch.randn(2, 1, 80, 345)).shape
        torch.Size([2, 1000])

    Source:
        Tan and Le 2019, "EfficientNet", https://arxiv.org/abs/1905.11946, table 1 (B0).
    """
    return EfficientNet(in_channels, embedding_dim, seed=seed)
