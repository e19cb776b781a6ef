"""EfficientNet-B0 under attention per channel: the backbone ``efficientnet_b0_att`` of the published code.

    frame[c, t]  = bias[c] + sum over i of weight[c, i] * feature[i, t]              # i in the half of c
    score[:, t]  = conv2(tanh(conv1(frame[:, t])))                                    # a number a channel
    share[c, t]  = exp(score[c, t]) / sum over s of exp(score[c, s])
    mean[c]      = sum over t of share[c, t] * frame[c, t]
    deviation[c] = sqrt(max(1e-9, sum over t of share[c, t] * (frame[c, t] - mean[c])^2))
    embedding    = batch_norm(mean, deviation)

feature is the network's last feature map, averaged over its rows. The paper makes no use of it. Other than
`aggregation="attentive"`, it weighs each channel of a frame by itself, and has the linear layer in front.

Source: https://github.com/SonyCSLParis/ssl-singer-identity at 24751d1, ``singer_identity/model.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from singerprint.models.aggregation import Aggregation
from singerprint.models.efficientnet import EfficientNet

GROUPS = 2
HIDDEN_DIM = 128
SMALLEST_VARIANCE = 1e-9


class ChannelAttention(Aggregation):
    """A layer in two groups, then mean and deviation, the weights of each channel a softmax of its scores.

    Args:
        dim: Channels of a feature map.
        pooled_dim: Of what is given: as many means as deviations.
        generator: Draws the initial weights, uniform in +-1 / sqrt(inputs).
    """

    def __init__(self, dim: int, pooled_dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.pooled_dim = pooled_dim
        with torch.device("meta"):  # a layer's own initialisation would draw from the global generator
            self.grouped = nn.Conv1d(dim, pooled_dim // 2, 1, groups=GROUPS)
            self.hidden = nn.Conv1d(pooled_dim // 2, HIDDEN_DIM, 1)
            self.score = nn.Conv1d(HIDDEN_DIM, pooled_dim // 2, 1)
        self.to_empty(device="cpu")
        for layer in (self.grouped, self.hidden, self.score):
            bound = layer.weight[0].numel() ** -0.5
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, frames: Tensor) -> Tensor:
        """Weighted means, then deviations, ``(batch, pooled_dim)``."""
        frames = self.grouped(frames)
        scores = self.score(torch.tanh(self.hidden(frames)))
        values = frames.to(torch.promote_types(frames.dtype, torch.float32))  # half precision is summed in it
        shares = scores.to(values.dtype).softmax(dim=2)
        means = (shares * values).sum(dim=2, keepdim=True)
        variances = (shares * (values - means).square()).sum(dim=2)
        deviations = variances.clamp(min=SMALLEST_VARIANCE).sqrt()
        return torch.cat([means.squeeze(2), deviations], dim=1).to(frames.dtype)


class ChannelAttentionEfficientNet(EfficientNet):
    """EfficientNet-B0 whose embedding is `ChannelAttention` of its features under a batch norm.

    Args:
        in_channels: Channels of a spectrogram, at least 1.
        embedding_dim: Length of an embedding, a multiple of 4.
        seed: Of the initial weights, and of what is dropped.

    Raises:
        ValueError: A size is out of range.

    Example:
        >>> network = ChannelAttentionEfficientNet(in_channels=1, embedding_dim=16).eval()
        >>> network(torch.randn(2, 1, 80, 87)).shape
        torch.Size([2, 16])
    """

    norm: nn.BatchNorm1d

    def __init__(self, in_channels: int = 1, embedding_dim: int = 1000, *, seed: int = 0) -> None:
        if embedding_dim < 1 or embedding_dim % (2 * GROUPS):
            raise ValueError(
                f"channel_attention: embedding_dim must be a positive multiple of {2 * GROUPS}, "
                f"got {embedding_dim}"
            )
        super().__init__(in_channels, embedding_dim, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        self.aggregation = ChannelAttention(self.pooled_dim, embedding_dim, generator)
        self.aggregation_name = "channel_attention"
        self.pooled_dim = embedding_dim

    def _place(self, key: str, tensor: Tensor, kind: str) -> None:
        if not key.startswith("classifier."):
            super()._place(key, tensor, kind)
            return
        # The norm stands where others have their linear layer, behind the aggregation.
        if "norm" not in self._modules:
            self.norm = nn.BatchNorm1d(len(tensor))
        self._parameter_places.append((self.norm, key.rpartition(".")[2]))

    def _linear(self, pooled: Tensor) -> Tensor:
        embeddings: Tensor = self.norm(pooled)
        return embeddings
