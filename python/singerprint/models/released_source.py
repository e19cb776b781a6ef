"""Where the released models come from: a local folder of them, or a repository of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from singerprint.models.model_error import ModelError
from singerprint.models.released import DESCRIPTION_NAME, WEIGHTS_NAME

HUB_SOURCE = "BernardoTorres/singer-identity"
# VERSA and the published README say "uniformity"; the hub's folder has the other name.
ALIASES = {"uniformity": "unif-align"}
RELEASED_NAMES = ("byol", "contrastive", "contrastive-vc", "unif-align", "vicreg", *ALIASES)


def released_folder(name: str, source: str) -> Path:
    """Finds, or fetches, the folder of a model.

    Args:
        name: Of the model: one of `RELEASED_NAMES`, or any folder below `source`.
        source: A folder, or else the id of a hub repository (``user/repository``).

    Returns:
        A local folder. One from the hub lies in huggingface_hub's cache and holds both files.

    Raises:
        ModelError: There is no such model, or the source cannot be reached.
    """
    if not Path(source).is_dir():
        return _from_hub(ALIASES.get(name, name), source)
    for folder in (Path(source) / name, Path(source) / ALIASES.get(name, name)):
        if folder.is_dir():
            return folder
    raise ModelError(f"load_model: source {source} holds no folder {name}")


def _from_hub(name: str, source: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - an optional extra
        from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: PLC0415 - as above
    except ImportError:
        raise ModelError(
            f"load_model: source must be an existing folder where huggingface_hub is not installed "
            f"(pip install singerprint[hub]), got {source}"
        ) from None
    try:
        files = [Path(hf_hub_download(source, f"{name}/{file}")) for file in (DESCRIPTION_NAME, WEIGHTS_NAME)]
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"load_model: source {source} is no existing folder, and the hub cannot be reached for {name}"
        ) from error
    except (OSError, ValueError) as error:  # all of huggingface_hub's own are one or the other
        raise ModelError(
            f"load_model: source {source} is no existing folder, and {name} cannot be had from the hub by "
            f"that name ({type(error).__name__})"
        ) from error
    return files[0].parent
