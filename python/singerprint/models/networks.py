"""The networks an encoder may have, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from singerprint.models.channel_attention import ChannelAttentionEfficientNet
from singerprint.models.cnn_transformer import cnn_transformer
from singerprint.models.efficientnet import EfficientNet
from singerprint.models.network import Network
from singerprint.models.vit import vit_s16


class NetworkShape(NamedTuple):
    """What a network is made for.

    Attributes:
        channels: Channels of an image.
        mels: Rows of an image.
        frames: Columns of the image of a whole window; other lengths are taken as well.
        embedding_dim: Length of an embedding.
    """

    channels: int
    mels: int
    frames: int
    embedding_dim: int


def _efficientnet(variant: str, aggregation: str) -> Callable[[NetworkShape, int], Network]:
    def make(shape: NetworkShape, seed: int) -> Network:
        return EfficientNet(
            shape.channels, shape.embedding_dim, variant=variant, aggregation=aggregation, seed=seed
        )

    return make


class Dropping(NamedTuple):
    """What a network drops in training mode.

    Attributes:
        dropout: Probability that a feature is dropped before the last layer.
        stochastic_depth: Probability that a clip goes around a block, at the last one; it rises from 0.
    """

    dropout: float
    stochastic_depth: float


# From the shape and the seed; what a training run drops out, it sets itself.
NETWORKS: Mapping[str, Callable[[NetworkShape, int], Network]] = {
    "efficientnet_b0": _efficientnet("efficientnet_b0", "mean"),
    "efficientnet_b0_adaptive": _efficientnet("efficientnet_b0", "adaptive"),
    "efficientnet_b0_att": _efficientnet("efficientnet_b0", "attentive"),
    "efficientnet_b0_channel_att": lambda shape, seed: ChannelAttentionEfficientNet(
        shape.channels, shape.embedding_dim, seed=seed
    ),
    "efficientnet_b4": _efficientnet("efficientnet_b4", "mean"),
    "efficientnet_b4_adaptive": _efficientnet("efficientnet_b4", "adaptive"),
    "efficientnet_b4_att": _efficientnet("efficientnet_b4", "attentive"),
    "vit_s16": lambda shape, seed: vit_s16(*shape, seed=seed),
    "cnn_transformer": lambda shape, seed: cnn_transformer(
        shape.channels, shape.mels, shape.embedding_dim, seed=seed
    ),
}

# torchvision's networks, which the papers trained; of networks that drop nothing there is none.
PUBLISHED_DROPPING: Mapping[str, Dropping] = {
    name: Dropping(0.4 if name.startswith("efficientnet_b4") else 0.2, 0.2)
    for name in NETWORKS
    if name.startswith("efficientnet")
} | {"efficientnet_b0_channel_att": Dropping(0.0, 0.2)}
