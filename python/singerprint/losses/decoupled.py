"""Decoupled contrastive loss of two views: NT-Xent without the positive in its denominator."""

import torch
from torch import Tensor

from singerprint.losses.contrastive import AtTemperature, register_contrastive
from singerprint.losses.options import ROWS, refuse_bad_options


def decoupled(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Contrast of each embedding's other view with all other embeddings of the batch, apart from each other.

    With the rows of both views divided by their lengths, ``z``, and ``s[i, j] = <z[i], z[j]> / temperature``,
    the loss is the mean over the ``2 * batch`` anchors ``i`` of::

        log(sum over j of exp(s[i, j])) - s[i, the other view of i]

    where the sum leaves out ``i`` and its other view. No weights. It may be negative, and a pair that is told
    apart well pulls as strongly as one that is not: small batches learn better than with `nt_xent`.

    Exact and finite for every temperature, also for collapsed embeddings (``log(2 * batch - 2)``). Memory
    grows with ``batch * dim``, never with ``batch ** 2``. A device repeats it bit for bit, with any number of
    threads. A row of zeros counts as orthogonal to all others; its own gradient is finite but huge, the slope
    at a length of 1e-12. NaN in, NaN out.

    Args:
        first: ``(batch, dim)`` float32 or float64, at least two rows of any lengths; row ``b`` belongs to row
            ``b`` of `second`.
        second: like `first`; the two may be exchanged.
        temperature: 1e-6 to 1e6; the paper uses 0.1.

    Returns:
        ``()`` in the dtype and on the device of `first`. Differentiable once, in both embeddings. Its error
        is that of the two terms, also where their difference is near 0.

    Raises:
        ValueError: a shape, a device or the temperature does not fit, there is no column or less than two
            rows (one pair has no negatives).
        TypeError: a dtype is neither float32 nor float64, or the two differ.

    Example:
        >>> import torch, singerprint as sp
        >>> same = torch.ones(4, 8)
        >>> sp.losses.decoupled(same, same, temperature=0.2)  # collapsed: log(6)
        tensor(1.7918)

    Source:
        Yeh et al. 2022, "Decoupled Contrastive Learning", equation 6 (divided by the number of anchors).
    """
    loss: Tensor = torch.ops.singerprint.decoupled(first, second, temperature)[0]
    return loss


class Decoupled(AtTemperature):
    """`decoupled` as a module.

    Args:
        temperature: 1e-6 to 1e6.

    Raises:
        ValueError: the temperature does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.Decoupled(temperature=0.1)(torch.eye(4), torch.eye(4))
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__(temperature)
        refuse_bad_options(decoupled, ROWS, ROWS, temperature)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the loss, ``()``, of two views, each ``(batch, dim)``."""
        return decoupled(first, second, self.temperature)


register_contrastive("decoupled")
