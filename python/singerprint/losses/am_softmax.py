"""Additive-margin softmax: classification of singers by the angle to one learned direction each."""

import torch
from torch import Tensor, nn

from singerprint.losses.contrastive import register_contrastive
from singerprint.losses.options import ROWS, SINGERS, refuse_bad_options


def am_softmax(
    embeddings: Tensor, weights: Tensor, singers: Tensor, scale: float = 30.0, margin: float = 0.2
) -> Tensor:
    """Cross entropy of naming the singer of each embedding, whose cosine must lead by a margin.

    With the rows of embeddings and of weights divided by their lengths, ``a`` and ``b``, with
    ``s[i, j] = scale * <a[i], b[j]>``, ``y = singers[i]`` and ``positive = s[i, y] - scale * margin``, the
    loss is the mean over the batch of::

        log(exp(positive) + sum over j != y of exp(s[i, j])) - positive

    Without a margin it is the cross entropy of the scaled cosines.

    Exact and finite for every scale and margin. Memory grows with ``(batch + singers) * dim``, never with
    ``batch * singers``. A device repeats it bit for bit, with any number of threads. Of one singer alone loss
    and gradients are 0. A row of zeros counts as orthogonal to all others; its own gradient is finite but
    huge, the slope at a length of 1e-12. NaN in, NaN out.

    Args:
        embeddings: ``(batch, dim)`` float32 or float64, at least one row, of any lengths.
        weights: ``(singers, dim)``, dtype and device of `embeddings`: a direction for each singer.
        singers: ``(batch,)`` int64, the row of `weights` that each embedding belongs to, in [0, singers). On
            CUDA that is not looked at, which would wait for the device: a number outside makes all NaN.
        scale: 1e-6 to 1e6, one over the temperature.
        margin: 0 to 2, taken off the cosine with the right singer.

    Returns:
        ``()`` in the dtype and on the device of `embeddings`, at least 0. Differentiable once, in
        `embeddings` and `weights`.

    Raises:
        ValueError: a shape, a device, the scale or the margin does not fit, there is no row or no column, or
            (not on CUDA) a singer is outside.
        TypeError: a dtype is neither float32 nor float64, the two differ, or that of `singers` is not int64.

    Example:
        >>> import torch, singerprint as sp
        >>> same = torch.ones(4, 8)
        >>> sp.losses.am_softmax(same, same, torch.arange(4), margin=0.0)  # collapsed: log(4)
        tensor(1.3863)

    Source:
        Wang et al. 2018, "Additive Margin Softmax for Face Verification", equation 6.
    """
    loss: Tensor = torch.ops.singerprint.am_softmax(embeddings, weights, singers, scale, margin)[0]
    return loss


class AMSoftmax(nn.Module):
    """`am_softmax` as a module that learns the directions of the singers.

    Args:
        dim: Of the embeddings, at least 1.
        singers: How many there are, at least 1.
        scale: 1e-6 to 1e6, one over the temperature.
        margin: 0 to 2, taken off the cosine with the right singer.
        seed: Of the first directions, evenly spread over the sphere; no global generator is touched.

    Attributes:
        weights: ``(singers, dim)`` float32, a direction for each singer; the first ones have the length 1.

    Raises:
        ValueError: `dim` or `singers` is below 1, or scale or margin does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> objective = sp.losses.AMSoftmax(dim=8, singers=3)
        >>> objective(torch.randn(5, 8), torch.tensor([0, 1, 2, 2, 0])).backward()
    """

    def __init__(
        self, dim: int, singers: int, scale: float = 30.0, margin: float = 0.2, seed: int = 0
    ) -> None:
        super().__init__()
        for name, value in (("dim", dim), ("singers", singers)):
            if value < 1:
                raise ValueError(f"am_softmax: {name} must be at least 1, got {value}")
        refuse_bad_options(am_softmax, ROWS, ROWS, SINGERS, scale, margin)
        self.scale = scale
        self.margin = margin
        generator = torch.Generator().manual_seed(seed)
        self.weights = nn.Parameter(nn.functional.normalize(torch.randn(singers, dim, generator=generator)))

    def forward(self, embeddings: Tensor, singers: Tensor) -> Tensor:
        """Returns the loss, ``()``, of embeddings ``(batch, dim)`` and their singers ``(batch,)``."""
        return am_softmax(embeddings, self.weights, singers, self.scale, self.margin)

    def extra_repr(self) -> str:
        """Shows the sizes, the scale and the margin when the module is printed."""
        singers, dim = self.weights.shape
        return f"dim={dim}, singers={singers}, scale={self.scale}, margin={self.margin}"


register_contrastive("am_softmax")
