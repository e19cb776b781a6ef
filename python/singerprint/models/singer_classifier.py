"""SingerClassifier: names the singer of an embedding, or of all segments of a track.

    logits = scale * normalize(perceptron(embedding))                           # (singers,)
    p(singer | track) ~ exp(mean over segments of log softmax(logits)[singer])

The perceptron is that of Desblancs et al. 2024, whose published logits have length 1 and no scale. Of a unit
vector the right entry leads the others by at most ``sqrt(C / (C - 1))`` for C singers, so that its
probability ends at ``1 / (1 + (C - 1) exp(-sqrt(C / (C - 1))))``: 0.27 % of 1000 singers, and the cross
entropy at 5.909 where guessing has 6.908. Embeddings that are told apart already go on being pushed, and the
probabilities say nothing. With a scale, learned as that of CLIP, both end where the data ends.

The paper's tracks are named by the vote of their segments, in which all singers without a vote are tied, so
that a top 5 is filled up by the order of the list. The mean of log-probabilities ranks every singer.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from singerprint.models.perceptron import perceptron


class Identification(NamedTuple):
    """The likeliest singers of each track, the likeliest first.

    Attributes:
        singers: ``(tracks, count)`` int64.
        log_probabilities: ``(tracks, count)``.
    """

    singers: Tensor
    log_probabilities: Tensor


class SingerClassifier(nn.Module):
    """A perceptron on embeddings whose logits have a learned length; train it by their cross entropy.

    Where singers shall be told apart by a margin, or are too many for a matrix of logits, there is
    `losses.AMSoftmax` on the embeddings themselves.

    Args:
        in_dim: Length of an embedding, at least 1.
        singers: How many there are, at least 2.
        hidden_dim: Width of the hidden layers, at least 1.
        scale: Length of the logits at first, above 0.
        seed: Of the initial weights; no global generator is touched.

    Attributes:
        log_scale: ``()``, the logarithm of the length of the logits, learned.

    Raises:
        ValueError: A size or the scale is out of range.

    Example:
        >>> import torch, singerprint as sp
        >>> classifier = sp.models.SingerClassifier(in_dim=16, singers=40).eval()
        >>> tracks = torch.tensor([0, 0, 0, 1])  # three segments of one track, one of another
        >>> classifier.identify(torch.randn(4, 16), tracks, count=5).singers.shape
        torch.Size([2, 5])

    Source:
        Desblancs et al. 2024, https://arxiv.org/abs/2407.08647; the scale: Wang et al. 2017, "NormFace",
        https://arxiv.org/abs/1704.06369, section 3.2.
    """

    def __init__(
        self, in_dim: int, singers: int, hidden_dim: int = 1024, scale: float = 30.0, *, seed: int = 0
    ) -> None:
        super().__init__()
        if singers < 2:
            raise ValueError(f"singer_classifier: singers must be at least 2, got {singers}")
        if not 0 < scale < math.inf:
            raise ValueError(f"singer_classifier: scale must be positive and finite, got {scale}")
        self.layers = perceptron("singer_classifier", in_dim, hidden_dim, singers, seed)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Gives the logits ``(batch, singers)`` of ``(batch, in_dim)``; batches of at least 2 in training."""
        return self.log_scale.exp() * nn.functional.normalize(self.layers(embeddings), dim=1)

    def identify(self, embeddings: Tensor, tracks: Tensor | None = None, count: int = 5) -> Identification:
        """Names the likeliest singers of each track, without gradients; call it in eval mode.

        Args:
            embeddings: ``(segments, in_dim)``.
            tracks: ``(segments,)`` int64, the track of each segment, from 0 and with none left out; None for
                segments that are tracks of their own.
            count: Of singers to name, from 1 to all.

        Returns:
            Singers and their log-probabilities, row by row those of a track.

        Raises:
            ValueError: `count` is out of range, or a shape, or the numbers of the tracks do not fit.
        """
        with torch.no_grad():
            log_probabilities = self(embeddings).log_softmax(dim=1)
            if tracks is not None:
                log_probabilities = pool_segments(log_probabilities, tracks)
        singers = log_probabilities.shape[1]
        if not 1 <= count <= singers:
            raise ValueError(f"identify: count must lie in [1, {singers}], got {count}")
        values, places = log_probabilities.topk(count, dim=1)
        return Identification(places, values)


def pool_segments(log_probabilities: Tensor, tracks: Tensor) -> Tensor:
    """The log-probabilities of tracks: the mean of those of their segments, made to add up to 1 again.

    Args:
        log_probabilities: ``(segments, singers)``.
        tracks: ``(segments,)`` int64, the track of each segment, from 0 and with none left out.

    Returns:
        ``(tracks, singers)``.

    Raises:
        ValueError: The shape or the numbers of `tracks` do not fit.

    Example:
        >>> import torch
        >>> segments = torch.tensor([[0.9, 0.1], [0.4, 0.6]]).log()
        >>> pool_segments(segments, torch.tensor([0, 0])).exp()  # the surer one prevails
        tensor([[0.7101, 0.2899]])
    """
    segments = len(log_probabilities)
    if tracks.shape != (segments,):
        raise ValueError(
            f"pool_segments: tracks must have shape (segments,) with segments = {segments}, "
            f"got {list(tracks.shape)}"
        )
    if segments == 0 or int(tracks.min()) < 0:
        raise ValueError(f"pool_segments: tracks must be numbers from 0, got {tracks.tolist()}")
    counts = tracks.bincount()
    if not bool(counts.all()):
        missing = int((counts == 0).nonzero()[0])
        raise ValueError(f"pool_segments: tracks must leave no number out, got no segment of track {missing}")
    sums = log_probabilities.new_zeros(len(counts), log_probabilities.shape[1])
    sums.index_add_(0, tracks, log_probabilities)
    return (sums / counts.unsqueeze(1)).log_softmax(dim=1)
