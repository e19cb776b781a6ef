"""Objectives on embeddings: exact, in memory that grows with the batch and not with its square."""

from singerprint.losses.alignment import Alignment, alignment
from singerprint.losses.byol import BYOL, byol
from singerprint.losses.decoupled import Decoupled, decoupled
from singerprint.losses.nt_xent import NTXent, nt_xent
from singerprint.losses.uniformity import Uniformity, uniformity

__all__ = [  # noqa: RUF022 - as sorted() has it, capitals first
    "Alignment", "BYOL", "Decoupled", "NTXent", "Uniformity", "alignment", "byol", "decoupled", "nt_xent",
    "uniformity",
]  # fmt: skip
