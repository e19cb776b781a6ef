"""score_histogram: how far the scores of pairs by one singer lie from those of pairs by two."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from singerprint.plots.style import BLUE, INK, VERMILION, styled_figure


def _scores(name: str, value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    detach = getattr(value, "detach", None)
    scores = np.asarray(detach().cpu().double() if detach else value, dtype=np.float64)
    if scores.ndim != 1 or not scores.size:
        raise ValueError(
            f"score_histogram: {name} must have shape (trials,) with at least one trial, got {scores.shape}"
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"score_histogram: {name} must be finite, got {scores[~np.isfinite(scores)][0]}")
    return scores


def _draw_threshold(axes: Axes, threshold: float, rate: float | None) -> None:
    axes.axvline(threshold, color=INK, lw=1.0, ls=(0, (4, 3)))
    text = f"{threshold:.2f}" if rate is None else f"equal error rate {rate:.1%}\nat {threshold:.2f}"
    left, right = axes.get_xlim()
    on_left = threshold > (left + right) / 2
    axes.annotate(
        text,
        xy=(threshold, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if on_left else 6, -2),
        textcoords="offset points",
        ha="right" if on_left else "left",
        va="top",
        fontsize=9,
        color=INK,
    )


def score_histogram(
    positive_scores: npt.ArrayLike,
    negative_scores: npt.ArrayLike,
    threshold: float | None = None,
    rate: float | None = None,
) -> Figure:
    """Draws the scores of pairs by one singer and by two singers, each as shares of its own kind.

    Args:
        positive_scores: (trials,) scores of pairs by one singer; list, array or tensor.
        negative_scores: (trials,) scores of pairs by two singers.
        threshold: score to mark, as from ``singerprint.evaluation.equal_error_rate_threshold``.
        rate: equal error rate to print at the threshold, in [0, 1].

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if scores are empty, not one-dimensional, NaN or infinite.

    Example:
        >>> figure = score_histogram([0.9, 0.8], [0.1, 0.3], threshold=0.55, rate=0.0)
        >>> figure.axes[0].get_xlabel()
        'cosine similarity'
    """
    positive = _scores("positive_scores", positive_scores)
    negative = _scores("negative_scores", negative_scores)
    low = float(min(positive.min(), negative.min()))
    high = float(max(positive.max(), negative.max()))
    padding = 0.02 * max(high - low, 0.05)
    fewest = min(len(positive), len(negative))
    edges = np.linspace(low - padding, high + padding, int(np.clip(2 * fewest ** (1 / 2), 8, 60)) + 1)
    with styled_figure(7.2, 3.8) as figure:
        axes = figure.subplots()
        tops = []
        for scores, colour in ((negative, VERMILION), (positive, BLUE)):
            shares = np.histogram(scores, edges)[0] / len(scores)
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.28)
            axes.stairs(shares, edges, color=colour, lw=1.4)
            tops.append(shares.max())
        axes.set_ylim(0, max(tops) * 1.22)  # room for the names above the highest bar
        axes.set_xlim(edges[0], edges[-1])
        if threshold is not None:
            _draw_threshold(axes, threshold, rate)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.set_xlabel("cosine similarity")
        axes.set_ylabel("share of pairs")
        axes.set_title("Scores of pairs", pad=24)
        for x, label, colour, side in (
            (0.0, f"two singers ({len(negative):,} pairs)", VERMILION, "left"),
            (1.0, f"one singer ({len(positive):,} pairs)", BLUE, "right"),
        ):
            axes.annotate(
                label,
                xy=(x, 1.0),
                xycoords="axes fraction",
                xytext=(0, 8),
                textcoords="offset points",
                ha=side,
                color=colour,
                fontsize=9,
                fontweight="bold",
            )
    return figure
