"""Encoders in files: `encoder.safetensors` (weights) and `encoder.json` (what they were trained for)."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from singerprint.atomic_file import write_files
from singerprint.models.deezer_checkpoint import DEEZER_SUFFIX, read_deezer_checkpoint
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.model_error import ModelError, check_finite, check_tensors
from singerprint.models.released import (
    CHECKPOINT_SUFFIX,
    DESCRIPTION_NAME,
    OPERATION,
    read_checkpoint,
    read_released,
)
from singerprint.models.released import WEIGHTS_NAME as RELEASED_WEIGHTS_NAME
from singerprint.models.released_encoder import RELEASED_RATE_HZ
from singerprint.models.released_source import HUB_SOURCE, RELEASED_NAMES, released_folder
from singerprint.models.singer_encoder import SingerEncoder
from singerprint.models.tensor_file import read_tensors

SCHEMA_VERSION = 1
WEIGHTS_NAME = "encoder.safetensors"
CONFIG_NAME = "encoder.json"
CHECKPOINTS_NAME = "checkpoints"


def save_model(encoder: SingerEncoder, folder: str | os.PathLike[str]) -> None:
    """Writes an encoder: afterwards the folder holds all of it, or what it held before.

    Args:
        encoder: On any device.
        folder: Made if it is missing.

    Raises:
        OSError: The disk is full, the folder cannot be written or is a file, ...

    Example:
        >>> import singerprint as sp, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> save_model(sp.SingerEncoder.untrained(), folder)
        >>> sorted(os.listdir(folder))
        ['encoder.json', 'encoder.safetensors']
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"save_model: folder must be a folder or new, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in encoder.state_dict().items()}
    description = {"schema_version": SCHEMA_VERSION, "config": encoder.config.to_dict()}
    write_files(
        {
            folder / WEIGHTS_NAME: safetensors.torch.save(tensors),
            folder / CONFIG_NAME: (json.dumps(description, indent=2) + "\n").encode(),
        }
    )


def load_model(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
    *,
    input_sr: int = RELEASED_RATE_HZ,
    torchscript: bool = False,
    reference: bool = False,
) -> SingerEncoder:
    """Reads an encoder: one of this package, a released one, or a checkpoint of the papers' trainers.

    Released models divide each clip's log-mel by its maximum. Their published code takes the maximum of the
    whole batch, so that an embedding depends on its batch mates; here each clip has its own, which is what
    the published code computes for a batch of one. ``reference=True`` gives the published figures.

    Args:
        path: A folder that `save_model` wrote, its `encoder.safetensors`, or a training run's folder, of
            which the encoder itself or else the newest of ``checkpoints/*`` (the last by name) is taken; a
            folder with `hyperparams.yaml` and `model.pt`; a ``.ckpt`` file of the published trainers; a
            ``.pt`` file of the trainer of Desblancs et al. 2024 (`best_epoch.pt`). Or the name of a released
            model: ``byol``, ``contrastive``, ``contrastive-vc``, ``unif-align`` (also ``uniformity``) or
            ``vicreg``; without a source, an existing path of that name goes first.
        source: Where a model of that name is: a folder, or the id of a Hugging Face repository, which takes
            the extra ``hub``. By default `path` is a path, or the name is looked up in
            ``BernardoTorres/singer-identity``.
        input_sr: Sample rate in Hz of the waveforms that a released model is called with.
        torchscript: Ignored with a warning: there is no script of the model, this is the one.
        reference: Whether a released model divides by the maximum of the batch; for `embed`, of the windows
            of a long clip that are embedded at once.

    Returns:
        The encoder, on the CPU and in eval mode; of released models and checkpoints a `ReleasedEncoder`.

    Raises:
        ModelError: There is no model, it is damaged, of a newer version or another kind, its tensors do not
            fit, or the source cannot be reached.
        ValueError: `input_sr` is no positive whole number, or it or `reference` is given for a model of this
            package.

    Example:
        >>> import singerprint as sp, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> sp.models.save_model(sp.SingerEncoder.untrained(seed=3), folder)
        >>> sp.load_model(folder).sample_rate_hz
        44100
    """
    if torchscript:
        warnings.warn("load_model: torchscript is ignored, the model is the same", stacklevel=2)
    found = Path(path)
    if source is not None or (not found.exists() and os.fspath(path) in RELEASED_NAMES):
        found = released_folder(os.fspath(path), os.fspath(HUB_SOURCE if source is None else source))
    if found.is_file() and found.suffix == CHECKPOINT_SUFFIX:
        return read_checkpoint(found, input_sr, reference)
    if _is_released(found):
        return read_released(found.parent if found.is_file() else found, input_sr, reference)
    for option, given, only in (
        ("input_sr", input_sr, RELEASED_RATE_HZ),
        ("reference", reference, False),
    ):
        if given != only:
            raise ValueError(
                f"load_model: {option} must be {only} for a model that is no released one, got {given}"
            )
    if found.is_file() and found.suffix == DEEZER_SUFFIX:
        return read_deezer_checkpoint(found)
    return _read_saved(_encoder_folder(found))


def _is_released(path: Path) -> bool:
    if path.is_file():
        return path.name in (RELEASED_WEIGHTS_NAME, DESCRIPTION_NAME)
    own = ((path / name).is_file() for name in (CONFIG_NAME, WEIGHTS_NAME))
    released = ((path / name).is_file() for name in (RELEASED_WEIGHTS_NAME, DESCRIPTION_NAME))
    return any(released) and not any(own)


def _read_saved(folder: Path) -> SingerEncoder:
    encoder = _described_encoder(folder / CONFIG_NAME)
    weights = folder / WEIGHTS_NAME
    tensors = read_tensors(weights, OPERATION)
    check_tensors(weights, tensors, encoder.state_dict())
    check_finite(weights, tensors)
    encoder.load_state_dict(tensors, assign=True)
    return encoder.eval()


def _encoder_folder(path: Path) -> Path:
    if path.is_file():
        if path.name not in (WEIGHTS_NAME, CONFIG_NAME):
            raise ModelError(
                f"load_model: path must be a folder, {WEIGHTS_NAME}, or a {CHECKPOINT_SUFFIX} or "
                f"{DEEZER_SUFFIX} file, got {path}"
            )
        return path.parent
    if not path.is_dir():
        raise ModelError(
            f"load_model: {path} does not exist and is no released model ({', '.join(RELEASED_NAMES)})"
        )
    if (path / CONFIG_NAME).is_file() or (path / WEIGHTS_NAME).is_file():
        return path
    # [!.]: a hidden folder is a checkpoint that is being written.
    checkpoints = sorted(config.parent for config in (path / CHECKPOINTS_NAME).glob(f"[!.]*/{CONFIG_NAME}"))
    if not checkpoints:
        raise ModelError(
            f"load_model: {path} holds no model ({WEIGHTS_NAME} and {CONFIG_NAME}, or "
            f"{RELEASED_WEIGHTS_NAME} and {DESCRIPTION_NAME})"
        )
    return checkpoints[-1]


def _described_encoder(path: Path) -> SingerEncoder:
    try:
        description: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"load_model: {path} is missing") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"load_model: {path} cannot be read: {error}") from None
    if not isinstance(description, dict) or not isinstance(description.get("config"), dict):
        raise ModelError(f"load_model: {path} does not describe an encoder")
    version = description.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ModelError(f"load_model: {path} must have schema_version {SCHEMA_VERSION}, got {version}")
    try:
        config = EncoderConfig.from_dict(description["config"])
        with torch.device("meta"):  # the weights that are to be replaced are not drawn
            return SingerEncoder(config)
    except (TypeError, ValueError) as error:
        raise ModelError(f"load_model: {path} does not describe an encoder: {error}") from None
