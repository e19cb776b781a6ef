"""Uniformity: how evenly the directions of a batch of embeddings cover the sphere."""

import torch
from torch import Tensor, nn

from singerprint.losses.contrastive import register_contrastive
from singerprint.losses.options import ROWS, refuse_bad_options


def uniformity(embeddings: Tensor, t: float = 2.0) -> Tensor:
    """Logarithm of the mean Gaussian potential of all pairs of embeddings, each divided by its length.

    With the rows divided by their lengths, ``z``, the loss is::

        log(mean over i < j of exp(-t * |z[i] - z[j]| ** 2))

    Exact and finite for every `t`, also for collapsed embeddings (0). Memory grows with ``batch * dim``,
    never with ``batch ** 2``. A device repeats it bit for bit, with any number of threads. The embeddings of
    one view go in; for two views, the authors take the mean of both. A row of zeros counts as orthogonal to
    all others; its own gradient is finite but huge, the slope at a length of 1e-12. NaN in, NaN out.

    Args:
        embeddings: ``(batch, dim)`` float32 or float64, at least two rows of any lengths.
        t: 1e-6 to 1e5, how fast a pair's potential falls with its squared distance.

    Returns:
        ``()``, ``-4 * t`` to 0, in the dtype and on the device of `embeddings`. Differentiable once. Its
        error is that of the cosines times `t`, also where the loss is near 0.

    Raises:
        ValueError: a shape or `t` does not fit, there is no column or less than two rows.
        TypeError: the dtype is neither float32 nor float64.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.losses.uniformity(torch.eye(3))  # all at right angles: -2 * t
        tensor(-4.)

    Source:
        Wang & Isola 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity
        on the Hypersphere", section 4.1.2.
    """
    loss: Tensor = torch.ops.singerprint.uniformity(embeddings, t)[0]
    return loss


class Uniformity(nn.Module):
    """`uniformity` as a module.

    Args:
        t: 1e-6 to 1e5.

    Raises:
        ValueError: t does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.Uniformity(t=2.0)(torch.eye(4))
    """

    def __init__(self, t: float = 2.0) -> None:
        super().__init__()
        refuse_bad_options(uniformity, ROWS, t)
        self.t = t

    def forward(self, embeddings: Tensor) -> Tensor:
        """Returns the loss, ``()``, of embeddings ``(batch, dim)``."""
        return uniformity(embeddings, self.t)

    def extra_repr(self) -> str:
        """Shows t when the module is printed."""
        return f"t={self.t}"


register_contrastive("uniformity")
