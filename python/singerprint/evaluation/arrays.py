"""Arguments of the evaluation functions as checked NumPy arrays: the one place that converts and refuses.

Lists, NumPy arrays and PyTorch tensors (any device, with or without gradient) are accepted alike.
"""

from collections.abc import Hashable, Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Labels: TypeAlias = Iterable[Hashable]


def _as_array(value: npt.ArrayLike) -> npt.NDArray[Any]:
    detach = getattr(value, "detach", None)
    if detach is None:
        return np.asarray(value)
    tensor = detach().cpu()  # np.asarray refuses a tensor with a gradient, on a GPU or in bfloat16
    return np.asarray(tensor.double() if tensor.is_floating_point() else tensor)


def _shape_text(shape: tuple[int, ...]) -> str:
    return str(tuple(shape)) if len(shape) != 1 else f"({shape[0]},)"


def float_array(op: str, name: str, value: npt.ArrayLike, axes: tuple[str, ...]) -> FloatArray:
    """Converts to float64 and refuses wrong shapes, empty arrays and numbers that are not finite.

    Args:
        op: function named in the error.
        name: argument named in the error.
        value: list, array or tensor of real numbers.
        axes: names of the axes, for example ("files", "dim"); their count is the required rank.

    Returns:
        float64 array with ``len(axes)`` axes, at least one element.

    Raises:
        TypeError: if the values are not real numbers.
        ValueError: if the shape is wrong, the array is empty or a value is NaN or infinite.

    Example:
        >>> float_array("f", "scores", [1, 2], ("trials",))
        array([1., 2.])
    """
    array = _as_array(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{op}: {name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != len(axes):
        expected = f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
        raise ValueError(f"{op}: {name} must have shape {expected}, got {_shape_text(array.shape)}")
    if array.size == 0:
        raise ValueError(f"{op}: {name} must not be empty, got shape {_shape_text(array.shape)}")
    array = array.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        where = tuple(int(i) for i in np.unravel_index(bad[0], array.shape))
        where_text = str(where[0]) if len(where) == 1 else str(where)
        raise ValueError(f"{op}: {name} must be finite, got {array[where]} at index {where_text}")
    return array


def index_array(op: str, name: str, value: npt.ArrayLike, axes: tuple[str, ...], files: int) -> IntArray:
    """Converts to int64 and refuses wrong shapes and indices outside [0, files).

    Args:
        op: function named in the error.
        name: argument named in the error.
        value: list, array or tensor of integers.
        axes: names of the axes, for example ("pairs", "2"); a numeral fixes the length of its axis.
        files: number of files the indices point into.

    Returns:
        int64 array with ``len(axes)`` axes, at least one element.

    Raises:
        TypeError: if the values are not integers.
        ValueError: if the shape is wrong, the array is empty or an index points at no file.

    Example:
        >>> index_array("f", "first", [0, 2], ("trials",), files=3)
        array([0, 2])
    """
    array = _as_array(value)
    expected = f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
    fits = array.ndim == len(axes) and all(
        not axis.isdigit() or int(axis) == length for axis, length in zip(axes, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{op}: {name} must have shape {expected}, got {_shape_text(array.shape)}")
    if array.size == 0:
        raise ValueError(f"{op}: {name} must not be empty, got shape {_shape_text(array.shape)}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{op}: {name} must hold integers, got dtype {array.dtype}")
    outside = array[(array < 0) | (array >= files)]
    if outside.size:
        raise ValueError(f"{op}: {name} must lie in [0, {files}), got {outside[0]}")
    return array.astype(np.int64)


def label_codes(op: str, name: str, labels: Labels, files: int | None = None) -> tuple[IntArray, list[Any]]:
    """Numbers labels in the order of their first appearance.

    Args:
        op: function named in the error.
        name: argument named in the error.
        labels: (files,) hashable labels: names, numbers or None.
        files: required number of labels; None takes any number above zero.

    Returns:
        ``(codes, names)``: ``names[codes[i]]`` is ``labels[i]``; codes are int64 (files,).

    Raises:
        TypeError: if the labels are one string or a label is a list.
        ValueError: if there are none, or not as many as files.

    Example:
        >>> label_codes("f", "singers", ["ann", "bo", "ann"])
        (array([0, 1, 0]), ['ann', 'bo'])
    """
    if isinstance(labels, str):
        raise TypeError(f"{op}: {name} must be a sequence of labels, got the string {labels!r}")
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    if not values:
        raise ValueError(f"{op}: {name} must not be empty, got no label")
    if files is not None and len(values) != files:
        raise ValueError(f"{op}: {name} must hold one label for each of {files} files, got {len(values)}")
    if any(isinstance(value, list) for value in values):
        raise TypeError(f"{op}: {name} must have shape (files,), got nested labels")
    numbers: dict[Any, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
    return codes, list(numbers)


def unit_rows(op: str, embeddings: npt.ArrayLike) -> FloatArray:
    """Scales every embedding to length 1.

    Args:
        op: function named in the error.
        embeddings: (files, dim) real numbers.

    Returns:
        float64 (files, dim); the dot product of two rows is their cosine similarity.

    Raises:
        TypeError: if the values are not real numbers.
        ValueError: if the shape is wrong, a value is not finite or a row is zero.

    Example:
        >>> unit_rows("f", [[3.0, 4.0]])
        array([[0.6, 0.8]])
    """
    array = float_array(op, "embeddings", embeddings, ("files", "dim"))
    scaled = array / np.maximum(np.abs(array).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)  # of rows near 1: no overflow, no underflow
    zero = np.flatnonzero(norms[:, 0] == 0.0)
    if zero.size:
        raise ValueError(f"{op}: embeddings must have a length above zero, got zero at row {zero[0]}")
    rows: FloatArray = scaled / norms
    return rows
