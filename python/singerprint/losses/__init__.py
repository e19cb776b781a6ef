"""Objectives on embeddings: exact, in memory that grows with the batch and not with its square."""

from singerprint.losses.alignment import Alignment, alignment
from singerprint.losses.byol import BYOL, byol
from singerprint.losses.covariance import covariance
from singerprint.losses.decoupled import Decoupled, decoupled
from singerprint.losses.invariance import invariance
from singerprint.losses.nt_xent import NTXent, nt_xent
from singerprint.losses.uniformity import Uniformity, uniformity
from singerprint.losses.variance import variance
from singerprint.losses.vicreg import VICReg, vicreg

__all__ = [  # noqa: RUF022 - as sorted() has it, capitals first
    "Alignment", "BYOL", "Decoupled", "NTXent", "Uniformity", "VICReg", "alignment", "byol", "covariance",
    "decoupled", "invariance", "nt_xent", "uniformity", "variance", "vicreg",
]  # fmt: skip
