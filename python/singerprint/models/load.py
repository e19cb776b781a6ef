"""Encoders in files: `encoder.safetensors` (weights) and `encoder.json` (what they were trained for)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from singerprint.atomic_file import write_files
from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.singer_encoder import SingerEncoder

SCHEMA_VERSION = 1
WEIGHTS_NAME = "encoder.safetensors"
CONFIG_NAME = "encoder.json"
CHECKPOINTS_NAME = "checkpoints"


class ModelError(ValueError):
    """A model that cannot be loaded; the message is one sentence that names the file."""


def save_model(encoder: SingerEncoder, folder: str | os.PathLike[str]) -> None:
    """Writes an encoder: afterwards the folder holds all of it, or what it held before.

    Args:
        encoder: On any device.
        folder: Made if it is missing.

    Raises:
        OSError: The disk is full, the folder cannot be written, ...

    Example:
        >>> import singerprint as sp, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> save_model(sp.SingerEncoder.untrained(), folder)
        >>> sorted(os.listdir(folder))
        ['encoder.json', 'encoder.safetensors']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in encoder.state_dict().items()}
    description = {"schema_version": SCHEMA_VERSION, "config": encoder.config.to_dict()}
    write_files(
        {
            folder / WEIGHTS_NAME: safetensors.torch.save(tensors),
            folder / CONFIG_NAME: (json.dumps(description, indent=2) + "\n").encode(),
        }
    )


def load_model(path: str | os.PathLike[str]) -> SingerEncoder:
    """Reads an encoder.

    Args:
        path: A folder that `save_model` wrote, its `encoder.safetensors`, or a training run's folder, of
            which the encoder itself or else the newest of ``checkpoints/*`` (the last by name) is taken.

    Returns:
        The encoder, on the CPU and in eval mode.

    Raises:
        ModelError: There is no model, or it is damaged, of a newer version, or its tensors do not fit.

    Example:
        >>> import singerprint as sp, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> sp.models.save_model(sp.SingerEncoder.untrained(seed=3), folder)
        >>> sp.load_model(folder).sample_rate_hz
        44100
    """
    folder = _encoder_folder(Path(path))
    encoder = _described_encoder(folder / CONFIG_NAME)
    weights = folder / WEIGHTS_NAME
    try:
        tensors = safetensors.torch.load(weights.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"load_model: {weights} is missing") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"load_model: {weights} cannot be read: {error}") from None
    _check_tensors(weights, tensors, encoder.state_dict())
    encoder.load_state_dict(tensors, assign=True)
    return encoder.eval()


def _encoder_folder(path: Path) -> Path:
    if path.is_file():
        if path.name not in (WEIGHTS_NAME, CONFIG_NAME):
            raise ModelError(f"load_model: path must be a folder or {WEIGHTS_NAME}, got {path}")
        return path.parent
    if not path.is_dir():
        raise ModelError(f"load_model: {path} does not exist")
    if (path / CONFIG_NAME).is_file() or (path / WEIGHTS_NAME).is_file():
        return path
    # [!.]: a hidden folder is a checkpoint that is being written.
    checkpoints = sorted(config.parent for config in (path / CHECKPOINTS_NAME).glob(f"[!.]*/{CONFIG_NAME}"))
    if not checkpoints:
        raise ModelError(f"load_model: {path} holds no model ({WEIGHTS_NAME} and {CONFIG_NAME})")
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


def _check_tensors(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    faults = [f"missing {key}" for key in expected if key not in found]
    faults += [f"unexpected {key}" for key in found if key not in expected]
    for key, tensor in expected.items():
        if key in found and found[key].shape != tensor.shape:
            shapes = f"{list(found[key].shape)} instead of {list(tensor.shape)}"
            faults.append(f"{key} of shape {shapes}")
    if faults:
        raise ModelError(f"load_model: {path} does not fit the encoder: {', '.join(faults)}")
