"""embedding_map: embeddings of files on a plane, near where the encoder finds them alike.

PCA, then t-SNE (van der Maaten & Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008) on embeddings of
length 1; with few files the first two principal components alone.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from singerprint.plots.embeddings import unit_embeddings
from singerprint.plots.label_placement import place_labels
from singerprint.plots.style import (
    SINGER_COLOURS,
    SINGER_MARKERS,
    add_title,
    short_name,
    styled_figure,
)

_FEWEST_FOR_TSNE = 20  # below, a perplexity of at least 5 has too few neighbours
_MOST_FILES = 3000  # t-SNE of 3,000 files takes about 15 s on one core


def _subset(files: int, seed: int) -> npt.NDArray[np.int64]:
    if files <= _MOST_FILES:
        return np.arange(files)
    return np.sort(np.random.default_rng(seed).choice(files, _MOST_FILES, replace=False))


def _principal_components(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = unit - unit.mean(axis=0)
    vectors = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][
        :, :50
    ]  # (dim, up to 50), largest variance first
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.asarray(
        centred @ (vectors * np.sign(largest))
    )  # else a direction's sign were the machine's choice


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)


def _plane(unit: npt.NDArray[np.float64], seed: int) -> tuple[npt.NDArray[np.float64], str]:
    files, dim = unit.shape
    components = _principal_components(unit)
    start = np.pad(components, ((0, 0), (0, max(0, 2 - dim))))[:, :2]  # (files, 2), of one dimension too
    if files < _FEWEST_FOR_TSNE or np.allclose(components, 0.0):
        return start, "first two principal components"
    perplexity = min(30.0, (files - 1) / 3)
    tsne = TSNE(
        n_components=2,
        perplexity=perplexity,
        init=(start / start[:, 0].std() * 1e-4).astype(np.float32),
        learning_rate="auto",
        random_state=seed,
    )
    return np.asarray(tsne.fit_transform(components), dtype=np.float64), (
        "t-SNE: neighbours are alike, far distances mean nothing"
    )


def _label_singers(
    figure: Figure,
    axes: Axes,
    points: npt.NDArray[np.float64],
    groups: list[tuple[str, str, npt.NDArray[np.float64]]],
) -> None:
    """Writes each name above its points, moved aside where names or points are in the way."""
    size = 9.0 if len(groups) <= 20 else 7.5 if len(groups) <= 40 else 6.0
    halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    style: dict[str, Any] = {"fontsize": size, "fontweight": "bold", "ha": "center", "va": "center"}
    texts = [axes.text(0, 0, name, color=c, path_effects=halo, zorder=4, **style) for name, c, _ in groups]
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    boxes = [text.get_window_extent(renderer) for text in texts]
    sizes = np.array([[box.width, box.height] for box in boxes])
    room = axes.get_window_extent(renderer)
    pixels = axes.transData.transform
    # the file nearest to the median: between two clusters of one singer the median itself lies on neither
    middles = [own[np.argmin(((own - np.median(own, axis=0)) ** 2).sum(axis=1))] for _, _, own in groups]
    anchors = pixels(np.array(middles))
    wished = anchors + np.column_stack([np.zeros(len(groups)), sizes[:, 1] / 2 + 6])
    for number, (_, _, own) in enumerate(groups):  # above the points that stand where the name would
        offset = pixels(own) - anchors[number]
        near = (np.abs(offset[:, 0]) < sizes[number, 0] / 2) & (np.abs(offset[:, 1]) < 3 * sizes[number, 1])
        wished[number, 1] += max(0.0, float(offset[near, 1].max(initial=0.0)))
    placed = place_labels(wished, sizes, (room.x0, room.y0, room.x1, room.y1), pixels(points), gap=4.0)
    far = np.abs(placed - wished) > sizes / 2 + 6
    back = axes.transData.inverted().transform
    for text, colour, middle, place, led in zip(
        texts, [group[1] for group in groups], middles, back(placed), far.any(axis=1), strict=True
    ):
        text.set_position((float(place[0]), float(place[1])))
        if led:  # the name left its points: a line leads back
            axes.plot(*np.column_stack([middle, place]), color=colour, lw=0.7, alpha=0.7, zorder=1)


def embedding_map(embeddings: npt.ArrayLike, singers: Iterable[Hashable], seed: int = 0) -> Figure:
    """Draws every file as a point in the colour of its singer, the name above the middle of its points.

    Neighbours on the plane are neighbours by cosine similarity. Beyond ten singers colours repeat with
    another marker. The same arguments give the same map.

    Args:
        embeddings: (files, dim) one embedding a file; list, array or tensor. Of more than 3,000 files,
            3,000 are drawn.
        singers: (files,) singer of each file.
        seed: addresses the draw of t-SNE.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if shapes disagree, there are no files, or an embedding is zero or not finite.

    Example:
        >>> figure = embedding_map([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], ["ann", "ann", "bo"])
        >>> [text.get_text() for text in figure.axes[0].texts[1:]]
        ['ann', 'bo']
    """
    unit, codes, names = unit_embeddings("embedding_map", embeddings, singers)
    chosen = _subset(len(unit), seed)
    unit, codes = unit[chosen], codes[chosen]
    points, method = _plane(unit, seed)
    with styled_figure(8.0, 6.6) as figure:
        axes = figure.subplots()
        axes.set_axis_off()
        add_title(axes, f"{_count(len(points), 'file')} of {_count(len(names), 'singer')}", method)
        groups = []
        for number in np.unique(codes):
            own = points[codes == number]
            colour = SINGER_COLOURS[number % len(SINGER_COLOURS)]
            marker = SINGER_MARKERS[number // len(SINGER_COLOURS) % len(SINGER_MARKERS)]
            area = 26 if len(points) <= 500 else 12
            axes.scatter(
                own[:, 0],
                own[:, 1],
                s=area,
                color=colour,
                marker=marker,
                alpha=0.75,
                linewidths=0.3,
                edgecolors="white",
            )
            groups.append((short_name(names[number], 18), colour, own))
        axes.margins(0.06)
        _label_singers(figure, axes, points, groups)
    return figure
