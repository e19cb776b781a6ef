"""training_curve: loss, learning rate and validation error of a training run over its steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from singerprint.plots.style import BLUE, GREY, INK, VERMILION, add_title, styled_figure

_SMOOTHED_SHARE = 0.05  # of the run: the width of the running mean


def _series(
    metrics: Sequence[Mapping[str, Any]], key: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rows = [(row["step"], row[key]) for row in metrics if row.get(key) is not None]
    array = np.array(rows, dtype=np.float64).reshape(-1, 2)
    array = array[np.argsort(array[:, 0], kind="stable")]
    return array[:, 0], array[:, 1]


def _running_mean(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """Mean over a window centred on each value, cut off at both ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    start = np.maximum(np.arange(len(values)) - width // 2, 0)
    stop = np.minimum(np.arange(len(values)) + width // 2 + 1, len(values))
    means: npt.NDArray[np.float64] = (sums[stop] - sums[start]) / (stop - start)
    return means


def _draw_loss(axes: Axes, steps: npt.NDArray[np.float64], loss: npt.NDArray[np.float64]) -> None:
    width = int(len(loss) * _SMOOTHED_SHARE)
    finite = np.isfinite(loss)
    if width >= 3 and finite.all():
        axes.plot(steps, loss, color=BLUE, alpha=0.25, lw=0.8)
        smooth = _running_mean(loss, width)
        axes.plot(steps, smooth, color=BLUE)
        low, high = np.quantile(loss, [0.005, 0.995])
        spread = max(high - low, 1e-9)
        top = max(high, smooth.max()) + 0.06 * spread
        axes.set_ylim(
            min(low, smooth.min()) - 0.06 * spread, top
        )  # a single spike must not flatten the curve
        add_title(axes, "Loss", f"line: running mean over {width} records")
    else:
        axes.plot(steps, loss, color=BLUE, marker="o", ms=3)
        add_title(axes, "Loss")


def _draw_error(axes: Axes, steps: npt.NDArray[np.float64], error: npt.NDArray[np.float64]) -> None:
    axes.plot(steps, error, color=VERMILION, marker="o", ms=4, mec="white", mew=0.6)
    best = int(np.argmin(error))
    axes.annotate(
        f"best {error[best]:.1%}",
        xy=(steps[best], error[best]),
        xytext=(0, -7),
        textcoords="offset points",
        ha="right" if steps[best] > steps.mean() else "left",
        va="top",
        fontsize=9,
        color=INK,
    )
    axes.margins(y=0.3)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if np.ptp(error) > 0.04 else 1))
    add_title(axes, "Validation equal error rate")


def training_curve(metrics: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws loss, learning rate and validation error over the steps of a training run.

    Args:
        metrics: rows of a metrics file in any order. Each has ``"step"``; of ``"loss"``, ``"learning_rate"``
            and ``"validation_eer"`` (a fraction in [0, 1]) each may be missing or None in some rows, the last
            two in all. Further keys are passed over.

    Returns:
        The figure, one panel for each series there is.

    Raises:
        ValueError: if a row has no step or no row has a loss.

    Example:
        >>> rows = [{"step": 1, "loss": 5.0, "learning_rate": 1e-4}, {"step": 2, "loss": 4.5}]
        >>> len(training_curve(rows).axes)
        2
    """
    for number, row in enumerate(metrics):
        if row.get("step") is None:
            raise ValueError(
                f"training_curve: metrics must have a step in every row, got none in row {number}"
            )
    steps, loss = _series(metrics, "loss")
    if not len(loss):
        raise ValueError(f"training_curve: metrics must hold a loss, got none in {len(metrics)} rows")
    rate_steps, rate = _series(metrics, "learning_rate")
    error_steps, error = _series(metrics, "validation_eer")
    heights = [2.6] + [1.6] * bool(len(error)) + [0.9] * bool(len(rate))
    with styled_figure(7.2, sum(heights) + 0.85 * len(heights)) as figure:
        panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        _draw_loss(panels[0], steps, loss)
        if len(error):
            _draw_error(panels[1], error_steps, error)
        if len(rate):
            panels[-1].plot(rate_steps, rate, color=GREY)
            panels[-1].set_ylim(0, max(float(rate.max()), 1e-12) * 1.1)
            panels[-1].ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
            add_title(panels[-1], "Learning rate")
        for panel in panels:
            panel.grid(axis="y")
            panel.set_axisbelow(True)
        panels[-1].set_xlabel("step")
        panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        panels[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure
