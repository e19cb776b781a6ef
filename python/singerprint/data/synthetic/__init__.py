"""Synthetic singers: parametric voices that sing random melodies, the same for the same seed."""

from singerprint.data.synthetic.render import synthesize
from singerprint.data.synthetic.voice import SyntheticSinger, draw_singer
from singerprint.data.synthetic.write import write_synthetic_singers

__all__ = ["SyntheticSinger", "draw_singer", "synthesize", "write_synthetic_singers"]
