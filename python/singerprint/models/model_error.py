"""What is said of a model in a file that cannot be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

FAULTS_NAMED = 8  # a file of another network would fill pages


class ModelError(ValueError):
    """A model that cannot be loaded; the message is one sentence that names the file."""


def check_tensors(
    path: Path,
    found: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    operation: str = "load_model",
) -> None:
    """Names every tensor of a file that is missing, unexpected or of another shape.

    Raises:
        ModelError: There is one.
    """
    faults = [f"missing {key}" for key in expected if key not in found]
    faults += [f"unexpected {key}" for key in found if key not in expected]
    for key, tensor in expected.items():
        if key in found and found[key].shape != tensor.shape:
            shapes = f"{list(found[key].shape)} instead of {list(tensor.shape)}"
            faults.append(f"{key} of shape {shapes}")
    if faults:
        unnamed = len(faults) - FAULTS_NAMED
        more = [f"and {unnamed} more"] if unnamed > 0 else []
        raise ModelError(
            f"{operation}: {path} does not fit the encoder: {', '.join(faults[:FAULTS_NAMED] + more)}"
        )


def check_finite(path: Path, tensors: Mapping[str, Tensor], operation: str = "load_model") -> None:
    """Refuses weights of which every embedding would be NaN.

    Raises:
        ModelError: A tensor holds NaN or infinity; the first one is named.
    """
    for key, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise ModelError(f"{operation}: {path} must hold finite weights, got NaN or infinity in {key}")
