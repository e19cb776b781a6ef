"""Objectives on embeddings: exact, in memory that grows with the batch and not with its square."""

from singerprint.losses.byol import BYOL, byol
from singerprint.losses.covariance import covariance
from singerprint.losses.invariance import invariance
from singerprint.losses.nt_xent import NTXent, nt_xent
from singerprint.losses.variance import variance
from singerprint.losses.vicreg import VICReg, vicreg

__all__ = ["BYOL", "NTXent", "VICReg", "byol", "covariance", "invariance", "nt_xent", "variance", "vicreg"]
