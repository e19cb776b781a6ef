"""Objectives on embeddings: exact, in memory that grows with the batch and not with its square."""

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
