"""place_labels: moves labels until none lies on another, off the points where there is room.

Boxes that overlap push each other apart along the axis of least overlap; points push the labels that cover
them, and every label is drawn back to its place. At the end labels alone push: none is left on another.
"""

import numpy as np
import numpy.typing as npt

_SETTLING_ROUNDS = 150
_PARTING_ROUNDS = 300
_PULL = 0.03  # share of the way back to its place a label goes in a round
_POINT_SHARE = 0.3  # of the way off a point: points are many and need not all be cleared

Points = npt.NDArray[np.float64]


def _pushes(offset: Points, reach: Points, tie: Points) -> Points:
    """Way (..., 2) that ends an overlap along its smaller axis, zero where two boxes do not touch."""
    overlap = reach - np.abs(offset)
    touching = (overlap > 1e-6).all(axis=-1, keepdims=True)
    smaller = overlap <= overlap.min(axis=-1, keepdims=True)
    direction = np.where(offset == 0, tie[..., None], np.sign(offset))
    return np.asarray(np.where(touching & smaller, direction * (overlap + 1e-3), 0.0))


def place_labels(
    centres: Points, sizes: Points, bounds: tuple[float, float, float, float], points: Points, gap: float
) -> Points:
    """Places labels without overlap.

    Args:
        centres: (labels, 2) wished x and y of the middle of each label.
        sizes: (labels, 2) width and height of each label.
        bounds: (left, bottom, right, top) of the room there is.
        points: (points, 2) what labels should not cover.
        gap: distance to keep, from labels and from points.

    Returns:
        (labels, 2) middles, inside the bounds; no two labels overlap where the room suffices.

    Example:
        >>> wished, sizes = np.array([[5.0, 5.0], [5.0, 5.5]]), np.full((2, 2), 2.0)
        >>> placed = place_labels(wished, sizes, (0.0, 0.0, 10.0, 10.0), np.empty((0, 2)), gap=0.0)
        >>> bool(placed[1, 1] - placed[0, 1] >= 2.0)
        True
    """
    low = np.array(bounds[:2]) + sizes / 2
    high = np.maximum(np.array(bounds[2:]) - sizes / 2, low)
    number = np.arange(len(centres))
    tie = np.sign(number[:, None] - number[None, :]).astype(np.float64)  # parts labels with equal middles
    label_reach = (sizes[:, None] + sizes[None, :]) / 2 + gap  # (labels, labels, 2)
    label_reach[number, number] = 0.0
    point_reach = sizes[:, None] / 2 + gap  # (labels, 1, 2)
    point_tie = np.ones((len(centres), len(points)))
    placed = np.clip(centres, low, high)
    for turn in range(_SETTLING_ROUNDS + _PARTING_ROUNDS):
        step = _pushes(placed[:, None] - placed[None, :], label_reach, tie).sum(axis=1) / 2
        if turn >= _SETTLING_ROUNDS and not step.any():
            break
        if turn < _SETTLING_ROUNDS:
            away = _pushes(placed[:, None] - points[None, :], point_reach, point_tie)
            covered = np.maximum((away != 0).any(axis=2).sum(axis=1, keepdims=True), 1)
            step += _POINT_SHARE * away.sum(axis=1) / covered + _PULL * (centres - placed)
        placed = np.clip(placed + 0.9 * step, low, high)
    return np.asarray(placed, dtype=np.float64)
