"""Objectives on embeddings: exact, in memory that grows with the batch and not with its square.

Published codes differ in factors and in what is negative. Ours, in theirs::

    nt_xent             lightly, solo-learn; half of google-research/simclr, which adds the means of the views
    decoupled           lightly; half of raminnakhli's
    cross_decoupled     ssl-singer-identity (CONT), up to batches of 251: beyond, that one takes 250 negatives
    supervised_nt_xent  pytorch-metric-learning, where all singers have equally many rows
    alignment           SsnL/align_uniform
    uniformity          SsnL/align_uniform
    vicreg              facebookresearch/vicreg, lightly; solo-learn weighs the variances twice;
                        ssl-singer-identity has eps 1e-8, gamma 1 / sqrt(dim) and covariance_weight 100
    byol                half of lucidrains, who adds both directions; 2 - 2 (minus lightly's loss);
                        dim times ssl-singer-identity's mean over elements

``tests/python/losses/test_conventions.py`` holds each line to 1e-12 in float64, or the test beside the loss.

On CUDA, the losses over all pairs (the contrastive ones, `uniformity`, `am_softmax`) multiply float32 rows as
``torch.set_float32_matmul_precision`` says when they are called, forward and backward each::

    highest   float32, PyTorch's default
    high      three TF32 products on tensor cores in place of one: a cosine to 2**-21, close to float32
    medium    bfloat16 on tensor cores, summed in float32: a cosine to 2**-8, a logit to 2**-8 / temperature

Lengths, positives, exponentials and sums stay as they are. Set it before a step, not between its forward and
its backward. The CPU, float64 and GPUs before compute capability 8.0 do not ask.
"""

from singerprint.losses.alignment import Alignment, alignment
from singerprint.losses.am_softmax import AMSoftmax, am_softmax
from singerprint.losses.byol import BYOL, byol
from singerprint.losses.covariance import covariance
from singerprint.losses.cross_decoupled import CrossDecoupled, cross_decoupled
from singerprint.losses.decoupled import Decoupled, decoupled
from singerprint.losses.invariance import invariance
from singerprint.losses.nt_xent import NTXent, nt_xent
from singerprint.losses.supervised_nt_xent import SupervisedNTXent, supervised_nt_xent
from singerprint.losses.uniformity import Uniformity, uniformity
from singerprint.losses.variance import variance
from singerprint.losses.vicreg import VICReg, vicreg

__all__ = [  # noqa: RUF022 - as sorted() has it, capitals first
    "AMSoftmax", "Alignment", "BYOL", "CrossDecoupled", "Decoupled", "NTXent", "SupervisedNTXent",
    "Uniformity", "VICReg", "alignment", "am_softmax", "byol", "covariance", "cross_decoupled", "decoupled",
    "invariance", "nt_xent", "supervised_nt_xent", "uniformity", "variance", "vicreg",
]  # fmt: skip
