"""Files of a repository of the Hugging Face hub, where the extra ``hub`` is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from singerprint.models.model_error import ModelError


def hub_files(source: str, files: Sequence[str], *, operation: str, local: str, wanted: str) -> list[Path]:
    """Fetches files, or finds them in huggingface_hub's cache.

    Args:
        source: Id of the repository (``user/repository``).
        files: Paths in it.
        operation: That an error begins with.
        local: What else the source might have been ("folder"), which it is not.
        wanted: What the files are together, for errors.

    Returns:
        Where each of them lies.

    Raises:
        ModelError: huggingface_hub is not installed, the hub cannot be reached, or has no such files.
    """
    try:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - an optional extra
        from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: PLC0415 - as above
    except ImportError:
        raise ModelError(
            f"{operation}: source must be an existing {local} where huggingface_hub is not installed "
            f"(pip install singerprint[hub]), got {source}"
        ) from None
    try:
        return [Path(hf_hub_download(source, file)) for file in files]
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{operation}: source {source} is no existing {local}, and the hub cannot be reached for {wanted}"
        ) from error
    except (OSError, ValueError) as error:  # all of huggingface_hub's own are one or the other
        raise ModelError(
            f"{operation}: source {source} is no existing {local}, and {wanted} cannot be had from the hub "
            f"by that name ({type(error).__name__})"
        ) from error
