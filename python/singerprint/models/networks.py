"""The networks an encoder may have, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from singerprint.models.efficientnet import efficientnet_b0
from singerprint.models.network import Network


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
}
