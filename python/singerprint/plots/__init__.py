"""Figures and the report: data in, matplotlib figure or HTML page out."""

from singerprint.plots.embedding_map import embedding_map
from singerprint.plots.report import ReportFigure, ReportTable, write_report
from singerprint.plots.score_histogram import score_histogram
from singerprint.plots.similarity_matrix import similarity_matrix
from singerprint.plots.training_curve import training_curve

__all__ = [
    "ReportFigure",
    "ReportTable",
    "embedding_map",
    "score_histogram",
    "similarity_matrix",
    "training_curve",
    "write_report",
]
