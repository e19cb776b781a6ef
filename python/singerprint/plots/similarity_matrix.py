"""similarity_matrix: how alike singers sound to an encoder.

matrix[a, b] = mean cosine of all files of a with all files of b
matrix[a, a] = mean cosine of all pairs of different files of a; empty where a has one file
"""

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from singerprint.plots.embeddings import unit_embeddings
from singerprint.plots.style import FAINT, INK, add_title, short_name, styled_figure

_MOST_PRINTED = 15  # singers up to which the value fits into its cell


def singer_similarities(
    unit: npt.NDArray[np.float64], codes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Computes the mean cosine similarity of each two singers, a file never with itself.

    Args:
        unit: (files, dim) embeddings of length 1.
        codes: (files,) number of the singer of each file, from 0 without gaps.

    Returns:
        (singers, singers), NaN on the diagonal of a singer with one file.

    Example:
        >>> singer_similarities(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]), np.array([0, 0, 1]))
        array([[0.6, 0.4],
               [0.4, nan]])
    """
    counts = np.bincount(codes).astype(np.float64)
    sums = np.zeros((len(counts), unit.shape[1]))
    np.add.at(sums, codes, unit)
    matrix: npt.NDArray[np.float64] = (sums @ sums.T) / np.outer(counts, counts)
    pairs = counts * (counts - 1)  # ordered pairs of different files; each file with itself adds 1 to the sum
    within = np.full(len(counts), np.nan)
    np.divide((sums * sums).sum(axis=1) - counts, pairs, out=within, where=pairs > 0)
    np.fill_diagonal(matrix, within)
    return matrix


def similarity_order(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Orders singers so that similar ones stand together: average linkage, best order of leaves.

    Args:
        matrix: (singers, singers) similarities, symmetric.

    Returns:
        (singers,) the order.

    Example:
        >>> similarity_order(np.array([[1.0, 0.1, 0.9], [0.1, 1.0, 0.2], [0.9, 0.2, 1.0]])).tolist()
        [0, 2, 1]
    """
    if len(matrix) < 3:
        return np.arange(len(matrix))
    distances = 1.0 - (matrix + matrix.T) / 2
    np.fill_diagonal(distances, 0.0)
    tree = linkage(
        squareform(np.maximum(distances, 0.0), checks=False), method="average", optimal_ordering=True
    )
    order = np.asarray(leaves_list(tree), dtype=np.int64)
    return (
        order if order[0] <= order[-1] else order[::-1]
    )  # of the two directions, the one nearer to the list


def _print_values(axes: Axes, matrix: npt.NDArray[np.float64], low: float) -> None:
    for row, column in np.ndindex(*matrix.shape):
        value = matrix[row, column]
        dark = not np.isnan(value) and (value - low) / (1.0 - low) > 0.58
        axes.text(
            column,
            row,
            "" if np.isnan(value) else f"{value:.2f}".replace("0.", ".", 1),
            ha="center",
            va="center",
            fontsize=9 if len(matrix) <= 10 else 8,
            fontweight="bold" if row == column else "normal",
            color="white" if dark else INK,
        )


def similarity_matrix(embeddings: npt.ArrayLike, singers: Iterable[Hashable]) -> Figure:
    """Draws the mean cosine similarity of each two singers as a matrix.

    The diagonal is across different files of the singer: it should stand out. Singers are ordered by
    hierarchical clustering, so that those an encoder confuses stand together; up to 15 singers the values are
    printed.

    Args:
        embeddings: (files, dim) one embedding a file; list, array or tensor.
        singers: (files,) singer of each file.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if shapes disagree, there are no files, or an embedding is zero or not finite.

    Example:
        >>> figure = similarity_matrix([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], ["ann", "ann", "bo"])
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['ann', 'bo']
    """
    unit, codes, names = unit_embeddings("similarity_matrix", embeddings, singers)
    matrix = singer_similarities(unit, codes)
    order = similarity_order(matrix)
    matrix = matrix[np.ix_(order, order)]
    labels = [short_name(names[number]) for number in order]
    low = min(float(np.floor(np.nanmin(matrix) * 10) / 10), 0.9) if not np.isnan(matrix).all() else 0.0
    cell_inches = 0.5 if len(names) <= _MOST_PRINTED else max(0.15, 7.5 / len(names))
    side_inches = max(3.0, cell_inches * len(names))
    margin_inches = 0.085 * max(map(len, labels))
    with styled_figure(side_inches + margin_inches + 1.2, side_inches + margin_inches + 0.9) as figure:
        axes = figure.subplots()
        image = axes.imshow(matrix, cmap="Blues", vmin=low, vmax=1.0, interpolation="nearest")
        axes.set_facecolor(FAINT)  # shows through where a singer has one file
        axes.spines[:].set_visible(False)
        size = 9 if len(names) <= 30 else max(5.0, 9 * 30 / len(names))
        axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=size, color=INK)
        axes.set_yticks(range(len(names)), labels, fontsize=size, color=INK)
        axes.tick_params(length=0)
        single = "; grey: a single file" if np.isnan(matrix).any() else ""
        add_title(axes, "Similarity of singers", f"mean cosine; diagonal: across files of one singer{single}")
        if len(names) <= _MOST_PRINTED:
            axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
            axes.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
            axes.grid(which="minor", color="white", linewidth=1.2)
            axes.tick_params(which="minor", length=0)
            _print_values(axes, matrix, low)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=24, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
    return figure
