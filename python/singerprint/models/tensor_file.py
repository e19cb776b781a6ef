"""Files of tensors: safetensors, and what PyTorch pickled, of which nothing is run."""

from __future__ import annotations

import pickle
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from singerprint.models.model_error import ModelError

SAFETENSORS_SUFFIX = ".safetensors"


class _NumpyNumber:
    """Stands where trainers left a number of NumPy's, such as a mean loss: nothing of NumPy's is called."""

    def __init__(self, *_arguments: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


# NumPy 2 and 1.
_PLAIN_VALUES = [
    (_NumpyNumber, name)
    for name in ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar", "numpy.dtype")
]


def read_tensors(path: Path, operation: str) -> dict[str, Tensor]:
    """Reads a state dict.

    Args:
        path: Of a ``.safetensors`` file, or of one that ``torch.save`` wrote.
        operation: That an error begins with.

    Returns:
        The tensors by key, on the CPU.

    Raises:
        ModelError: The file is missing, damaged, runs code, or holds something else than tensors by key.
    """
    if path.suffix != SAFETENSORS_SUFFIX:
        return tensors_of(path, unpickled(path, operation), operation)
    try:
        return safetensors.torch.load(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"{operation}: {path} is missing") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{operation}: {path} cannot be read: {error}") from None


def unpickled(path: Path, operation: str) -> object:
    """Reads what ``torch.save`` wrote: tensors and plain values; nothing in the file is called.

    Of NumPy's numbers, which count as plain, the values are lost.

    Raises:
        ModelError: The file is missing, damaged or holds anything else.
    """
    try:
        with torch.serialization.safe_globals([*_PLAIN_VALUES]):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"{operation}: {path} is missing") from None
    except pickle.UnpicklingError:
        raise ModelError(f"{operation}: {path} {_strangers(path)}; nothing of it was run") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(f"{operation}: {path} cannot be read: {first_line(error)}") from None
    return content


def _strangers(path: Path) -> str:
    try:
        with torch.serialization.safe_globals([*_PLAIN_VALUES]):
            names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (ValueError, RuntimeError, pickle.UnpicklingError):  # not the zip archive that torch.save writes
        names = []
    if names:
        return f"must hold tensors and plain values alone, got {', '.join(sorted(names))}"
    return "cannot be read as tensors and plain values"


def tensors_of(path: Path, content: object, operation: str) -> dict[str, Tensor]:
    """Takes what a file held for tensors by key.

    Raises:
        ModelError: It is something else.
    """
    if not isinstance(content, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    ):
        raise ModelError(f"{operation}: {path} must hold a dictionary of tensors, got something else")
    return content


def first_line(error: Exception) -> str:
    """What an error says first; libraries add pages."""
    return (str(error).splitlines() or [type(error).__name__])[0]
