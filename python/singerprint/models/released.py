"""The released models and the checkpoints of their trainers: what their files hold, made a ReleasedEncoder.

`model.pt` is a dictionary of 364 tensors: four buffers of the front end (`released_front_end`) and, under
`encoder.net.2.`, torchvision's EfficientNet-B0. `hyperparams.yaml` beside it says what they belong to; the
published code knows two more networks (`released_networks`). The trainers' checkpoints have the same tensors
in their `state_dict`, with heads, and several times over.

Source: https://github.com/SonyCSLParis/ssl-singer-identity at 24751d1, ``singer_identity/model.py``,
``trainer.py``, ``trainer_byol.py`` and ``convert_checkpoint.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from torch import Tensor

from singerprint.models.encoder_config import EncoderConfig
from singerprint.models.model_error import ModelError, check_finite, check_tensors
from singerprint.models.released_encoder import (
    FRONT_END,
    RELEASED_RATE_HZ,
    ReleasedEncoder,
    released_config,
)
from singerprint.models.released_front_end import FRONT_END_SHAPES, check_front_end
from singerprint.models.released_networks import BACKBONES, Backbone
from singerprint.models.tensor_file import first_line, read_tensors, tensors_of, unpickled

OPERATION = "load_model"
WEIGHTS_NAME = "model.pt"
DESCRIPTION_NAME = "hyperparams.yaml"
CHECKPOINT_SUFFIX = ".ckpt"
SPEC_LAYER = "melspectogram"  # sic: the published code knows no other spelling

# What the published FeatureExtractor and Encoder take where a checkpoint's hyperparameters say nothing.
CHECKPOINT_DEFAULTS: Mapping[str, dict[str, Any]] = {
    "feature_extractor": {
        "spec_layer": SPEC_LAYER,
        "n_fft": FRONT_END["n_fft"],
        "hop_length": FRONT_END["hop_length"],
    },
    "backbone": {"backbone": "efficientnet_b0", "embedding_dim": 1000},
}


class Layout(NamedTuple):
    """Where the tensors of an encoder are among the keys of a checkpoint.

    Attributes:
        prefix: What stands before ``feature_extractor.`` and ``encoder.``.
        others: How keys begin that are heads, or the same tensors again, or the teacher's.
    """

    prefix: str
    others: tuple[str, ...]


# BYOL's `module` is the student (`student_network` the same tensors); the published conversion takes it too.
BYOL = Layout(
    "module.encoder.", ("module.projector.", "module.predictor.", "student_network.", "teacher_network.")
)
# SSLTrainer's `net` is feature extractor, encoder and projection once more.
SSL_TRAINER = Layout("", ("projection.", "net."))


def read_released(folder: Path, input_sr: int = RELEASED_RATE_HZ, reference: bool = False) -> ReleasedEncoder:
    """Reads a folder with `hyperparams.yaml` and `model.pt`.

    Args:
        folder: That holds both.
        input_sr: Sample rate of what the encoder is called with.
        reference: Whether clips are divided by the maximum of their batch.

    Returns:
        The encoder, on the CPU and in eval mode.

    Raises:
        ModelError: A file is missing, damaged, runs code or belongs to another model.
    """
    description = folder / DESCRIPTION_NAME
    try:
        values = yaml.safe_load(description.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"load_model: {description} is missing") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError(f"load_model: {description} cannot be read: {first_line(error)}") from None
    backbone, config = _described(description, values, "encoder", reference)
    weights = folder / WEIGHTS_NAME
    return _filled(_empty(config, input_sr), backbone, weights, read_tensors(weights, OPERATION))


def read_checkpoint(path: Path, input_sr: int = RELEASED_RATE_HZ, reference: bool = False) -> ReleasedEncoder:
    """Reads a Lightning checkpoint of the published ``SSLTrainer`` or ``BYOL``: of the latter the student.

    Args:
        path: Of the checkpoint.
        input_sr: Sample rate of what the encoder is called with.
        reference: Whether clips are divided by the maximum of their batch.

    Returns:
        The encoder, on the CPU and in eval mode.

    Raises:
        ModelError: The file is missing, damaged, runs code or belongs to another model.
    """
    content = unpickled(path, OPERATION)
    if not isinstance(content, dict) or "state_dict" not in content:
        raise ModelError(f"load_model: {path} must be a Lightning checkpoint, got no state_dict in it")
    backbone, config = _described(path, _given(content), "backbone", reference)
    tensors = tensors_of(path, content["state_dict"], OPERATION)
    layout = BYOL if any(key.startswith("module.") for key in tensors) else SSL_TRAINER
    kept = {
        key.removeprefix(layout.prefix): tensor
        for key, tensor in tensors.items()
        if not key.startswith(layout.others)
    }
    return _filled(_empty(config, input_sr), backbone, path, kept)


def _empty(config: EncoderConfig, input_sr: int) -> ReleasedEncoder:
    with torch.device("meta"):  # the weights that are to be replaced are not drawn
        return ReleasedEncoder(config, input_sr)


def _filled(
    encoder: ReleasedEncoder, backbone: Backbone, path: Path, tensors: dict[str, Tensor]
) -> ReleasedEncoder:
    network = encoder.network.state_dict()
    expected = {key: torch.empty(shape, device="meta") for key, shape in FRONT_END_SHAPES.items()}
    expected |= {backbone.key(key): tensor for key, tensor in network.items()}
    check_tensors(path, tensors, expected)
    check_front_end(path, tensors)
    check_finite(path, tensors)
    weights = {
        key: tensors[backbone.key(key)].to(tensor.dtype).contiguous() for key, tensor in network.items()
    }
    encoder.network.load_state_dict(weights, assign=True)
    return encoder.eval()


def _given(content: dict[str, Any]) -> dict[str, Any]:
    """The hyperparameters of a checkpoint, and the trainers' defaults for what they leave out."""
    given = content.get("hyper_parameters")
    given = given if isinstance(given, dict) else {}
    sections = {}
    for name, defaults in CHECKPOINT_DEFAULTS.items():
        section = given.get(name)
        sections[name] = defaults | (section if isinstance(section, dict) else {})
    return sections


def _described(path: Path, values: object, encoder: str, reference: bool) -> tuple[Backbone, EncoderConfig]:
    """Checks the description of a model, and gives its network and configuration."""
    expected = {
        "feature_extractor.spec_layer": SPEC_LAYER,
        "feature_extractor.n_fft": FRONT_END["n_fft"],
        "feature_extractor.hop_length": FRONT_END["hop_length"],
    }
    for name, value in expected.items():
        got = _value(values, name)
        if got != value:
            raise _undescribed(path, name, value, got)
    name = _value(values, f"{encoder}.backbone")
    if not isinstance(name, str) or name not in BACKBONES:
        raise _undescribed(path, f"{encoder}.backbone", f"one of {', '.join(BACKBONES)}", name)
    backbone, dim = BACKBONES[name], _value(values, f"{encoder}.embedding_dim")
    if not isinstance(dim, int) or dim < 1 or dim % backbone.dim_step:
        rule = "at least 1" if backbone.dim_step == 1 else f"a positive multiple of {backbone.dim_step}"
        raise _undescribed(path, f"{encoder}.embedding_dim", rule, dim)
    return backbone, released_config(dim, reference, backbone.network)


def _undescribed(path: Path, name: str, rule: object, got: object) -> ModelError:
    found = "nothing" if got is None else got
    return ModelError(f"load_model: {path} must have {name} {rule}, got {found}")


def _value(values: object, name: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    for part in name.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values
