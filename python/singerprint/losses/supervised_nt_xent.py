"""NT-Xent with labels: a singer may have several rows, and they are never negatives of each other."""

import torch
from torch import Tensor

from singerprint.losses.contrastive import AtTemperature, register_contrastive
from singerprint.losses.options import ROWS, SINGERS, refuse_bad_options


def supervised_nt_xent(embeddings: Tensor, singers: Tensor, temperature: float) -> Tensor:
    """Cross entropy of telling each row's positives, the other rows of its singer, from all other singers.

    With the rows divided by their lengths, ``z``, and ``s[i, j] = <z[i], z[j]> / temperature``, an anchor
    ``i`` and a positive ``p`` cost::

        log(exp(s[i, p]) + sum over the rows j of other singers of exp(s[i, j])) - s[i, p]

    so each positive competes with the negatives alone. The loss is the mean over the positives of an anchor,
    then over the anchors that have a positive: a singer of ``n`` rows weighs ``n`` times. The mean over all
    pairs, which pytorch-metric-learning's ``NTXentLoss`` takes, would let it weigh ``n * (n - 1)`` times, and
    a singer with many files outweigh all others; where all singers have equally many rows, the two are equal.
    With two rows of every singer this is `nt_xent`. A singer with one row is a negative for the others and no
    anchor. Without another singer loss and gradients are 0.

    Exact and finite for every temperature. Memory grows with ``batch * dim``, never with ``batch ** 2``. A
    device repeats it bit for bit, with any number of threads. A row of zeros counts as orthogonal to all
    others; its own gradient is finite but huge, the slope at a length of 1e-12. NaN in, NaN out.

    Args:
        embeddings: ``(batch, dim)`` float32 or float64, at least two rows of any lengths.
        singers: ``(batch,)`` int64, who is singing: any numbers, in any order, at least one of them twice. On
            CUDA that is not looked at, which would wait for the device: without a positive all is NaN.
        temperature: 1e-6 to 1e6; the papers use 0.1 to 0.5.

    Returns:
        ``()`` in the dtype and on the device of `embeddings`, at least 0. Differentiable once, in
        `embeddings`.

    Raises:
        ValueError: a shape, a device or the temperature does not fit, there is no column or less than two
            rows, or (not on CUDA) no singer has two rows.
        TypeError: the dtype of `embeddings` is neither float32 nor float64, or that of `singers` not int64.

    Example:
        >>> import torch, singerprint as sp
        >>> collapsed = torch.ones(5, 8)
        >>> sp.losses.supervised_nt_xent(collapsed, torch.tensor([7, 7, 1, 1, 1]), temperature=0.2)
        tensor(1.2137)

    Source:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", equation 1,
        for each pair of rows of one singer, with the negatives of other singers.
    """
    loss: Tensor = torch.ops.singerprint.supervised_nt_xent(embeddings, singers, temperature)[0]
    return loss


class SupervisedNTXent(AtTemperature):
    """`supervised_nt_xent` as a module.

    Args:
        temperature: 1e-6 to 1e6.

    Raises:
        ValueError: the temperature does not fit.

    Example:
        >>> import torch, singerprint as sp
        >>> loss = sp.losses.SupervisedNTXent(temperature=0.2)(torch.eye(4), torch.tensor([0, 0, 1, 1]))
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__(temperature)
        refuse_bad_options(supervised_nt_xent, ROWS, SINGERS, temperature)

    def forward(self, embeddings: Tensor, singers: Tensor) -> Tensor:
        """Returns the loss, ``()``, of embeddings ``(batch, dim)`` and their singers ``(batch,)``."""
        return supervised_nt_xent(embeddings, singers, self.temperature)


register_contrastive("supervised_nt_xent")
