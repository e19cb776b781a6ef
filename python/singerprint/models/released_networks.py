"""The backbones of the published code: which network of this package each is, and what it calls the tensors.

Source: https://github.com/SonyCSLParis/ssl-singer-identity at 24751d1, ``singer_identity/model.py`` and
``singer_identity/models/network_components.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Backbone(NamedTuple):
    """A value of ``backbone`` in the published settings.

    Attributes:
        network: One of ``models.networks.NETWORKS``.
        names: How keys of that network begin, and how they do in the published state dict.
        dim_step: What the length of an embedding is a multiple of.
    """

    network: str
    names: tuple[tuple[str, str], ...]
    dim_step: int = 1

    def key(self, own: str) -> str:
        """What the published code calls a tensor of our network."""
        for ours, theirs in self.names:
            if own.startswith(ours):
                return PREFIX + theirs + own.removeprefix(ours)
        raise KeyError(own)


PREFIX = "encoder.net.2."  # behind the logarithm and the three channels
TORCHVISION = (("features.", "features."), ("classifier.", "classifier."))
CHANNEL_ATTENTION = (
    ("features.", "vision."),
    ("aggregation.grouped.", "att.0."),
    ("aggregation.hidden.", "att.1.network.0."),
    ("aggregation.score.", "att.1.network.2."),
    ("norm.", "bn1."),
)

BACKBONES: Mapping[str, Backbone] = {
    "efficientnet_b0": Backbone("efficientnet_b0", TORCHVISION),
    "efficientnet_b0_att": Backbone("efficientnet_b0_channel_att", CHANNEL_ATTENTION, dim_step=4),
    "efficientnet_b4": Backbone("efficientnet_b4", TORCHVISION),
}
