"""How every figure looks: one set of colours, fonts and line widths, applied without global state.

Colours are those of Okabe & Ito, "Color Universal Design", 2008, and of Tol, "Colour Schemes", 2021 (muted):
both stay apart for the common kinds of colour blindness. The lightest are darkened to be read on white.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1f2328"
GREY = "#6a737d"
FAINT = "#d8dde3"
BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#007a5a"
SINGER_COLOURS = (
    *("#332288", "#cc6677", "#117733", "#5b9bd0", "#aa4499", "#8a8a2a", "#2f9c8b", "#882255"),
    *("#c08a10", "#555555"),
)
SINGER_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")

# A name may be written in any script; matplotlib asks these one after the other for a missing letter.
_FONTS = ("DejaVu Sans", "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Arial Unicode MS", "Yu Gothic")


def _settings() -> dict[str, Any]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return {
        "font.family": [name for name in _FONTS if name in installed] or ["sans-serif"],
        "font.size": 10,
        "text.color": INK,
        "axes.edgecolor": GREY,
        "axes.labelcolor": GREY,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.titlesize": 12,
        "axes.titleweight": "bold",
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "grid.color": FAINT,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
        "figure.facecolor": "white",
        "text.parse_math": False,  # a singer may be called "$100$"
    }


@contextmanager
def styled_figure(width_inches: float, height_inches: float) -> Iterator[Figure]:
    """Gives a new figure; what is drawn on it inside the block takes the style.

    Args:
        width_inches: width, above zero.
        height_inches: height, above zero.

    Yields:
        The figure, laid out so that nothing is cut off. No window, no pyplot.

    Example:
        >>> with styled_figure(4.0, 3.0) as figure:
        ...     _ = figure.subplots().plot([1, 2, 3])
    """
    settings: Any = _settings()  # matplotlib's type of the keys is a list that differs between versions
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(width_inches, height_inches), dpi=100)
        # "compressed" also keeps titles beside axes of fixed aspect; "constrained" cuts them off
        figure.set_layout_engine("compressed", w_pad=0.12, h_pad=0.12, wspace=0.02, hspace=0.02)
        yield figure


def add_title(axes: Axes, title: str, subtitle: str = "") -> None:
    """Writes a bold title and below it a grey line, flush left with the axes.

    Args:
        axes: where to write.
        title: what is shown.
        subtitle: how to read it.

    Example:
        >>> with styled_figure(4.0, 3.0) as figure:
        ...     add_title(figure.subplots(), "Loss", "lower is better")
    """
    axes.set_title(title, pad=24 if subtitle else 10)
    if subtitle:
        axes.annotate(
            subtitle,
            xy=(0.0, 1.0),
            xycoords="axes fraction",
            xytext=(0, 8),
            textcoords="offset points",
            color=GREY,
            fontsize=9,
        )


def short_name(name: object, letters: int = 22) -> str:
    """Shortens a long name in its middle: beginnings and ends tell singers apart.

    Args:
        name: any label.
        letters: most letters, at least 3.

    Returns:
        The name, at most that long.

    Example:
        >>> short_name("a-very-long-name-of-a-singer", 11)
        'a-ver…inger'
    """
    text = str(name)
    if len(text) <= letters:
        return text
    head = letters // 2
    return f"{text[:head]}…{text[len(text) - (letters - head - 1) :]}"
