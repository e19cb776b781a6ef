"""The contrastive loss of the released CONT model: decoupled, from one view to the other alone."""

import torch
from torch import Tensor

from singerprint.losses.contrastive import AtTemperature, register_contrastive
from singerprint.losses.options import ROWS, refuse_bad_options


def cross_decoupled(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Contrast of each row of `first` with its own and all other rows of `second`, apart from each other.

    With the rows of both views divided by their lengths, ``a`` and ``b``, and
    ``s[i, j] = <a[i], b[j]> / temperature``, the loss is the mean over the ``batch`` anchors ``i`` of::

        log(sum over j != i of exp(s[i, j])) - s[i, i]

    It is there to repeat the released code, quirks included. Anchors come from `first` alone and negatives
    from `second` alone: the views may not be exchanged, and no row meets others of its own view (`decoupled`
    has both directions and twice the negatives). The released code takes its negatives by rolling `second`
    ``min(batch - 1, 250)`` times; up to a batch of 251 these are all others, as they are here always.

    Exact and finite for every temperature, also for collapsed embeddings (``log(batch - 1)``); it may be
    negative. Memory grows with ``batch * dim``, never with ``batch ** 2``. A device repeats it bit for bit,
    with any number of threads. A row of zeros counts as orthogonal to all others; its own gradient is finite
    but huge, the slope at a length of 1e-12. NaN in, NaN out.

    Args:
        first: ``(batch, dim)`` float32 or float64, the anchors, at least two rows of any lengths; row ``b``
            belongs to row ``b`` of `second`.
        second: like `first`, the positives and negatives.
        temperature: 1e-6 to 1e6; the released model has 0.2.

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
        >>> sp.losses.cross_decoupled(same, same, temperature=0.2)  # collapsed: log(3)
        tensor(1.0986)

    Source:
        Torres et al. 2023, "Singer Identity Representation Learning Using Self-Supervised Techniques", the
        contrastive loss of the code released with it.
    """
    loss: Tensor = torch.ops.singerprint.cross_decoupled(first, second, temperature)[0]
    return loss


class CrossDecoupled(AtTemperature):
    """`cross_decoupled` as a module.

    Args:
        temperature: 1e-6 to 1e6.

    Raises:
        ValueError: the temperature does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.CrossDecoupled(temperature=0.2)(torch.eye(4), torch.eye(4))
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__(temperature)
        refuse_bad_options(cross_decoupled, ROWS, ROWS, temperature)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the loss, ``()``, of two views, each ``(batch, dim)``."""
        return cross_decoupled(first, second, self.temperature)


register_contrastive("cross_decoupled")
