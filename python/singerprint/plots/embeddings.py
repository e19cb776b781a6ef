"""Embeddings and their singers as checked arrays, for the figures that show them."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt


def unit_embeddings(
    op: str, embeddings: npt.ArrayLike, singers: Iterable[Hashable]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], list[Any]]:
    """Scales embeddings to length 1 and numbers the singers in the order of their first appearance.

    Args:
        op: function named in errors.
        embeddings: (files, dim) real numbers; list, array or tensor.
        singers: (files,) singer of each file.

    Returns:
        ``(unit, codes, names)``: float64 (files, dim), int64 (files,), and the name of each number.

    Raises:
        ValueError: if shapes disagree, there are no files, or an embedding is zero or not finite.

    Example:
        >>> unit_embeddings("f", [[3.0, 4.0]], ["ann"])
        (array([[0.6, 0.8]]), array([0]), ['ann'])
    """
    detach = getattr(embeddings, "detach", None)
    array = np.asarray(detach().cpu().double() if detach else embeddings, dtype=np.float64)
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"{op}: embeddings must have shape (files, dim) with at least one file, got {array.shape}"
        )
    norms = np.linalg.norm(array, axis=1)
    bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if bad.size:
        raise ValueError(
            f"{op}: embeddings must have a finite length above zero, got {norms[bad[0]]} at row {bad[0]}"
        )
    labels = singers.tolist() if isinstance(singers, np.ndarray) else list(singers)
    if len(labels) != len(array):
        raise ValueError(
            f"{op}: singers must hold one label for each of {len(array)} files, got {len(labels)}"
        )
    numbers: dict[Any, int] = {}
    codes = np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)
    return array / norms[:, None], codes, list(numbers)
