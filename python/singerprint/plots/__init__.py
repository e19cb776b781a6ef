"""Figures and the report: data in, matplotlib figure or HTML page out."""

from singerprint.plots.embedding_map import embedding_map
from singerprint.plots.formants import FormantTracks, formant_tracks
from singerprint.plots.report import ReportFigure, ReportTable, write_report
from singerprint.plots.score_histogram import score_histogram
from singerprint.plots.similarity_matrix import similarity_matrix
from singerprint.plots.training_curve import training_curve
from singerprint.plots.voice_spectrograms import voice_spectrograms

__all__ = [
    "FormantTracks",
    "ReportFigure",
    "ReportTable",
    "embedding_map",
    "formant_tracks",
    "score_histogram",
    "similarity_matrix",
    "training_curve",
    "voice_spectrograms",
    "write_report",
]
