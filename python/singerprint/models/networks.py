"""The networks an encoder may have, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from singerprint.models.cnn_transformer import cnn_transformer
from singerprint.models.efficientnet import efficientnet_b0
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


NETWORKS: Mapping[str, Callable[[NetworkShape, int], Network]] = {
    "efficientnet_b0": lambda shape, seed: efficientnet_b0(shape.channels, shape.embedding_dim, seed=seed),
    "vit_s16": lambda shape, seed: vit_s16(*shape, seed=seed),
    "cnn_transformer": lambda shape, seed: cnn_transformer(
        shape.channels, shape.mels, shape.embedding_dim, seed=seed
    ),
}
