"""NT-Xent: normalised temperature-scaled cross entropy of two views (SimCLR's objective)."""

import torch
from torch import Tensor

from singerprint.losses.contrastive import AtTemperature, register_contrastive
from singerprint.losses.options import ROWS, refuse_bad_options


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Cross entropy of finding each embedding's other view among all other embeddings of the batch.

    With the rows of both views divided by their lengths, ``z``, and ``s[i, j] = <z[i], z[j]> / temperature``,
    the loss is the mean over the ``2 * batch`` anchors ``i`` of::

        log(sum over j != i of exp(s[i, j])) - s[i, the other view of i]

    Exact and finite for every temperature, also for collapsed embeddings (``log(2 * batch - 1)``). Memory
    grows with ``batch * dim``, never with ``batch ** 2``. A device repeats it bit for bit, with any number of
    threads. A batch of one has no negatives: loss and gradients are 0. A row of zeros counts as orthogonal to
    all others; its own gradient is finite but huge, the slope at a length of 1e-12. NaN in, NaN out.

    Args:
        first: ``(batch, dim)`` float32 or float64, any lengths of rows; row ``b`` belongs to row ``b`` of
            `second`.
        second: like `first`; the two may be exchanged.
        temperature: 1e-6 to 1e6; the papers use 0.1 to 0.5.

    Returns:
        ``()`` in the dtype and on the device of `first`, at least 0. Differentiable once, in both embeddings.

    Raises:
        ValueError: a shape, a device or the temperature does not fit, or there is no row or no column.
        TypeError: a dtype is neither float32 nor float64, or the two differ.

    Example:
        >>> import torch, singerprint as sp
        >>> same = torch.ones(4, 8)
        >>> sp.losses.nt_xent(same, same, temperature=0.2)  # collapsed: log(7)
        tensor(1.9459)

    Source:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", equation 1.
    """
    loss: Tensor = torch.ops.singerprint.nt_xent(first, second, temperature)[0]
    return loss


class NTXent(AtTemperature):
    """`nt_xent` as a module.

    Args:
        temperature: 1e-6 to 1e6.

    Raises:
        ValueError: the temperature does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.NTXent(temperature=0.2)(torch.eye(4), torch.eye(4))
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__(temperature)
        refuse_bad_options(nt_xent, ROWS, ROWS, temperature)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the loss, ``()``, of two views, each ``(batch, dim)``."""
        return nt_xent(first, second, self.temperature)


register_contrastive("nt_xent")
