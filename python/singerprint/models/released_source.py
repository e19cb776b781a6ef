"""Where the released models come from: a local folder of them, or a repository of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from singerprint.models.hub import hub_files
from singerprint.models.model_error import ModelError
from singerprint.models.released import DESCRIPTION_NAME, OPERATION, WEIGHTS_NAME

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
    files = [f"{name}/{file}" for file in (DESCRIPTION_NAME, WEIGHTS_NAME)]
    return hub_files(source, files, operation=OPERATION, local="folder", wanted=name)[0].parent
