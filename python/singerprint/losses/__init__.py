"""Objectives on embeddings: exact, in memory that grows with the batch and not with its square."""

from singerprint.losses.byol import BYOL, byol
from singerprint.losses.nt_xent import NTXent, nt_xent

__all__ = ["BYOL", "NTXent", "byol", "nt_xent"]
