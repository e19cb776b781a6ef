"""Synthetic singers: parametric voices that sing random melodies, the same for the same seed."""

from .render import synthesize
from .voice import SyntheticSinger, draw_singer
from .write import write_synthetic_singers

__all__ = ["SyntheticSinger", "draw_singer", "synthesize", "write_synthetic_singers"]
