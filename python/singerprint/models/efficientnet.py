"""EfficientNet-B0 and -B4: from spectrograms to embeddings (Tan and Le 2019, https://arxiv.org/abs/1905.11946).

The module owns the tensors, under torchvision's keys; `torch.ops.singerprint.efficientnet_b0`, `_b4` and
their `_features` compute with them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from singerprint import _C
from singerprint.models.aggregation import AGGREGATIONS
from singerprint.models.drawn_scales import Scales, drawn_scales
from singerprint.models.initial_tensor import initial_tensor
from singerprint.models.network import Network
from singerprint.models.placed_tensors import Place, place, tensors_at

MOMENTUM = 0.1
EPS = 1e-5
STRIDE = 32  # columns of a spectrogram to one of the features


class EfficientNet(Network):
    """An EfficientNet whose last linear layer is the embedding; see `efficientnet_b0`.

    The mode of this module (`train`, `eval`) is that of all its batch norms: the groups below it are names,
    not layers, so hooks belong on this module and SyncBatchNorm's conversion finds nothing to convert.

    What dropout and stochastic depth drop in training mode is a function of the seed, of how many batches the
    network was trained on before (which its batch norms count, and its state dict keeps) and of the clip's
    row, counted from `first_row`: the same on every device, and after a run was stopped and resumed.
    """

    def __init__(
        self,
        in_channels: int = 1,
        embedding_dim: int = 1000,
        *,
        variant: str = "efficientnet_b0",
        aggregation: str = "mean",
        dropout: float = 0.0,
        stochastic_depth: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        layout = _C.efficientnet_layout(variant, in_channels, embedding_dim)
        for name, value in (("dropout", dropout), ("stochastic_depth", stochastic_depth)):
            if not 0 <= value < 1:
                raise ValueError(f"{variant}: {name} must lie in [0, 1), got {value}")
        if aggregation not in AGGREGATIONS:
            raise ValueError(
                f"{variant}: aggregation must be one of {', '.join(AGGREGATIONS)}, got {aggregation}"
            )
        self.in_channels = in_channels
        self.embedding_dim = embedding_dim
        self.variant = variant
        self.aggregation_name = aggregation
        self.dropout = dropout
        self.stochastic_depth = stochastic_depth
        self.seed = seed
        self._parameter_places: list[Place] = []  # in the op's order
        self._statistic_places: list[Place] = []
        self._count_places: list[Place] = []
        generator = torch.Generator().manual_seed(seed)
        # A generator of its own: the other weights are those of the seed whatever the aggregation.
        made = AGGREGATIONS[aggregation](layout[-2][1][1], torch.Generator().manual_seed(seed))
        layout[-2][1][1] = made.pooled_dim  # what the linear layer sees
        for key, shape, kind in layout:
            self._place(key, initial_tensor(shape, kind, generator), kind)
        self.pooled_dim = made.pooled_dim
        self.aggregation = made
        shortcuts = _C.efficientnet_shortcuts(variant)
        # As torchvision's: the probability rises from 0 at the first block, and all blocks count.
        self._depths = [block / len(shortcuts) for block, shortcut in enumerate(shortcuts) if shortcut]

    def _place(self, key: str, tensor: Tensor, kind: str) -> None:
        if kind == "num_batches_tracked":
            self._count_places.append(place(self, key, tensor))
        elif kind in ("running_mean", "running_var"):
            self._statistic_places.append(place(self, key, tensor))
        else:
            self._parameter_places.append(place(self, key, nn.Parameter(tensor)))

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
        residual_scale, pooled_scale = self._scales(spectrograms)
        if self.aggregation_name == "mean":
            result: Tensor = self._call("", spectrograms, residual_scale, pooled_scale)
        else:
            frames = self._call("_features", spectrograms, residual_scale).mean(dim=2)
            pooled = self.aggregation(frames)
            result = self._linear(pooled if pooled_scale is None else pooled * pooled_scale.to(pooled.dtype))
        if self.training:
            torch._foreach_add_(tensors_at(self._count_places), 1)
        return result

    def feature_map(self, spectrograms: Tensor) -> Tensor:
        """Gives what is pooled, in eval mode: the output of the last convolution.

        Args:
            spectrograms: As of `forward`.

        Returns:
            ``(batch, feature_dim, ceil(mels / 32), ceil(frames / 32))``; feature_dim is 1280 or, of B4, 1792.

        Raises:
            ValueError: A shape does not fit, there is no clip, or the network is in training mode.
            TypeError: The dtype is not that of the parameters.
        """
        if self.training:
            raise ValueError(f"{self.variant}: feature_map must be called in eval mode, got training mode")
        return self._call("_features", spectrograms, None)

    def frame_embeddings(self, spectrograms: Tensor) -> Tensor:
        """Embeds each column of the feature map as if the clip were that column; see `Network`."""
        frames = self.feature_map(spectrograms).mean(dim=2).transpose(1, 2)  # (batch, frames', feature_dim)
        pooled: Tensor = self.aggregation(frames.flatten(0, 1).unsqueeze(-1))
        return self._linear(pooled).view(*frames.shape[:2], self.embedding_dim)

    @property
    def frame_stride(self) -> int:
        """Columns of a spectrogram from one frame embedding to the next."""
        return STRIDE

    def _call(self, op: str, spectrograms: Tensor, *scales: Tensor | None) -> Tensor:
        parameters = tensors_at(self._parameter_places)
        function = getattr(torch.ops.singerprint, self.variant + op)
        result: Tensor = function(
            spectrograms,
            parameters[:-2] if op else parameters,  # features need no linear layer
            tensors_at(self._statistic_places),
            self.training,
            MOMENTUM,
            EPS,
            *scales,
        )
        return result

    def _linear(self, pooled: Tensor) -> Tensor:
        weight, bias = tensors_at(self._parameter_places[-2:])
        return nn.functional.linear(pooled, weight, bias)

    def _scales(self, spectrograms: Tensor) -> Scales:
        if not self.training or not (self.dropout or self.stochastic_depth):
            return Scales(None, None)
        (batches,) = tensors_at(self._count_places[:1])
        rows = torch.arange(
            self.first_row, self.first_row + spectrograms.shape[0], device=spectrograms.device
        )
        probabilities = [self.stochastic_depth * depth for depth in self._depths]
        return drawn_scales(self.seed, batches, rows, probabilities, self.dropout, self.pooled_dim)

    def extra_repr(self) -> str:
        """The sizes and probabilities it was made with."""
        return (
            f"in_channels={self.in_channels}, embedding_dim={self.embedding_dim}, variant={self.variant}, "
            f"aggregation={self.aggregation_name}, dropout={self.dropout}, "
            f"stochastic_depth={self.stochastic_depth}"
        )


def efficientnet_b0(
    in_channels: int = 1,
    embedding_dim: int = 1000,
    *,
    aggregation: str = "mean",
    dropout: float = 0.0,
    stochastic_depth: float = 0.0,
    seed: int = 0,
) -> EfficientNet:
    """Makes an EfficientNet-B0 with random weights: 5.3 million of them at an embedding of 1000.

    Its state dict has the keys and shapes of torchvision's ``efficientnet_b0(num_classes=embedding_dim)``,
    and with ``in_channels=3`` loads it. Other aggregations than the mean have a wider linear layer, and
    ``aggregation.*`` beside it.

    Args:
        in_channels: Channels of a spectrogram, at least 1.
        embedding_dim: Length of an embedding, at least 1.
        aggregation: How features become a vector, one of ``models.aggregation.AGGREGATIONS``: ``mean``,
            ``adaptive`` (means of four parts of the clip) or ``attentive`` (weighted mean and deviation).
        dropout: Probability in [0, 1) that a pooled feature is dropped in training mode; torchvision's
            network, and the papers', have 0.2.
        stochastic_depth: Of a clip's way around a block in training mode, in [0, 1): ``stochastic_depth *
            block / 16`` for block 0 to 15, those without a shortcut counted too and never left out;
            torchvision's network has 0.2, its mode "row".
        seed: Of the initial weights, which are drawn as torchvision draws them, and of what is dropped; no
            global generator is touched.

    Returns:
        The module, in training mode: ``(batch, in_channels, mels, frames) -> (batch, embedding_dim)``.

    Raises:
        ValueError: A size is below 1, a probability is outside [0, 1), or the aggregation is unknown.

    Example:
        >>> import torch, singerprint as sp
        >>> network = sp.models.efficientnet_b0().eval()
        >>> network(torch.randn(2, 1, 80, 345)).shape
        torch.Size([2, 1000])

    Source:
        Tan and Le 2019, "EfficientNet", https://arxiv.org/abs/1905.11946, table 1 (B0). Huang et al. 2016,
        "Deep networks with stochastic depth", https://arxiv.org/abs/1603.09382.
    """
    return EfficientNet(
        in_channels,
        embedding_dim,
        variant="efficientnet_b0",
        aggregation=aggregation,
        dropout=dropout,
        stochastic_depth=stochastic_depth,
        seed=seed,
    )


def efficientnet_b4(
    in_channels: int = 1,
    embedding_dim: int = 1000,
    *,
    aggregation: str = "mean",
    dropout: float = 0.0,
    stochastic_depth: float = 0.0,
    seed: int = 0,
) -> EfficientNet:
    """Makes an EfficientNet-B4 with random weights: B0 1.4 times as wide and 1.8 times as deep, 19 million.

    Args:
        in_channels: As of `efficientnet_b0`, and so are all others; torchvision's network has a dropout of
            0.4 and 32 blocks.
        embedding_dim: Length of an embedding, at least 1.
        aggregation: How features become a vector.
        dropout: Probability that a pooled feature is dropped in training mode.
        stochastic_depth: Probability that stands for the last block's.
        seed: Of the initial weights, and of what is dropped.

    Returns:
        The module, in training mode: ``(batch, in_channels, mels, frames) -> (batch, embedding_dim)``.

    Raises:
        ValueError: A size is below 1, a probability is outside [0, 1), or the aggregation is unknown.

    Example:
        >>> import torch, singerprint as sp
        >>> network = sp.models.efficientnet_b4(embedding_dim=16).eval()
        >>> network(torch.randn(1, 1, 80, 87)).shape
        torch.Size([1, 16])

    Source:
        Tan and Le 2019, "EfficientNet", https://arxiv.org/abs/1905.11946, section 3.3 and table 2.
    """
    return EfficientNet(
        in_channels,
        embedding_dim,
        variant="efficientnet_b4",
        aggregation=aggregation,
        dropout=dropout,
        stochastic_depth=stochastic_depth,
        seed=seed,
    )
