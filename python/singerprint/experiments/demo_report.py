"""What `demo` shows of its contenders: the table on the console, and in the report beside the figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from singerprint.evaluation import cosine_scores
from singerprint.experiments.verification import Verification
from singerprint.plots import (
    ReportFigure,
    ReportTable,
    embedding_map,
    score_histogram,
    similarity_matrix,
    training_curve,
    write_report,
)

COLUMNS = ("model", "EER", "95 % interval", "MNR", "95 % interval", "clips/s")


def write_demo_report(
    path: Path,
    measured: Mapping[str, Verification],
    metrics: list[dict[str, float]],
    notes: Sequence[str],
    console: Console,
) -> Path:
    """Prints the table of all contenders and writes the report, with figures of the first; returns `path`."""
    table = _table(measured)
    _print(console, table)
    figures = _figures(next(iter(measured.values())), metrics)
    return write_report(path, "Who is singing?", [table], figures, notes)[0]


def _table(measured: Mapping[str, Verification]) -> ReportTable:
    rows = []
    for name, (result, _, embedded) in measured.items():
        rows.append(
            [
                name,
                f"{result.eer:.1%}",
                f"{result.eer_low:.1%} to {result.eer_high:.1%}",
                f"{result.mnr:.1%}",
                f"{result.mnr_low:.1%} to {result.mnr_high:.1%}",
                f"{embedded.audio_seconds / 4 / embedded.seconds:.0f}",
            ]
        )
    return ReportTable(
        "Telling singers apart",
        COLUMNS,
        rows,
        "EER: share of wrong answers to 'is it the same singer?' where both kinds of error are equal. MNR: "
        "rank of the same singer's other file among all, 0 is best, 50 % is chance. clips/s: clips of 4 s, "
        "reading included.",
    )


def _print(console: Console, table: ReportTable) -> None:
    shown = Table(title=table.title)
    for column in table.columns:
        shown.add_column(column, justify="left" if column == "model" else "right")
    for row in table.rows:
        shown.add_row(*map(str, row))
    console.print(shown)


def _figures(measured: Verification, metrics: list[dict[str, float]]) -> list[ReportFigure]:
    result, trials, embedded = measured
    singers = [file.singer for file in embedded.files]
    scores = cosine_scores(embedded.embeddings, trials.first, trials.second)
    return [
        ReportFigure("training", training_curve(metrics), "Loss and error rate over the steps of training."),
        ReportFigure(
            "scores",
            score_histogram(scores[trials.same], scores[~trials.same], result.eer_threshold, result.eer),
            "Histograms of the similarity of pairs by one singer and by two singers.",
        ),
        ReportFigure(
            "similarity",
            similarity_matrix(embedded.embeddings, singers),
            "Matrix of mean similarity, singer by singer.",
            "Singers that were not trained on. The diagonal compares different files of one singer.",
        ),
        ReportFigure(
            "map",
            embedding_map(embedded.embeddings, singers),
            "Map of the files; those of one singer share a colour.",
            "Every point is a file; near points sound alike to the encoder.",
        ),
    ]
