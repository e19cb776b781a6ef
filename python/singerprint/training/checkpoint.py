"""Checkpoints: everything that exact resumption needs, as safetensors and JSON, written whole or not at all.

``RUN/checkpoints/step-00000500/`` holds ``encoder.safetensors`` and ``encoder.json`` (readable by
:func:`singerprint.load_model`), ``training.safetensors`` (objective and optimiser) and ``training.json``
(step, configuration, SHA-256 of every file). It is written under a temporary name and renamed when it is
complete. Randomness has no state: every draw is a function of (seed, epoch, clip), so the step is all of it.
"""

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor, nn

from singerprint.atomic_file import write_files
from singerprint.models import SingerEncoder, load_model, save_model
from singerprint.training.config import TrainConfig

SCHEMA = 2  # 1 called NT-Xent "contrastive"
# Settings that may change between the first and the resumed part of a run without changing what it computes.
FREE_SETTINGS = frozenset(
    {"data", "out", "workers", "log_every", "checkpoint_every", "validate_every", "device", "init"}
    | {"rank_timeout_seconds"}
    | {"augmentation"}  # a name: what it stands for, transforms, must stay
)
# Settings that came later, and what runs of before were trained with.
LATER_SETTINGS: dict[str, Any] = {"dropout": 0.0, "stochastic_depth": 0.0}


class TrainingState(NamedTuple):
    """All that a step reads and writes.

    Attributes:
        encoder: the encoder that is trained.
        objective: its loss, with the modules that only training needs.
        optimizer: over the parameters of both.
        config: the run's settings.
        files: names of the files trained on, in order: a clip's draws follow from its place.
    """

    encoder: SingerEncoder
    objective: nn.Module
    optimizer: torch.optim.Optimizer
    config: TrainConfig
    files: tuple[str, ...]


def save_checkpoint(run: Path, step: int, state: TrainingState, keep: int = 2) -> Path:
    """Writes the state after ``step`` steps and removes all but the newest ``keep`` checkpoints.

    Raises:
        OSError: the disk is full or not writable; earlier checkpoints stay as they were.
    """
    folder = run / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    final, partial = folder / f"step-{step:08d}", folder / f".step-{step:08d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        save_model(state.encoder, partial)
        write_files({partial / "training.safetensors": safetensors.torch.save(_training_tensors(state))})
        facts = {
            "schema": SCHEMA,
            "step": step,
            "config": state.config.as_json(),
            "files": names_sha256(state.files),
            "sha256": {path.name: _sha256(path) for path in sorted(partial.iterdir())},
        }
        write_files({partial / "training.json": (json.dumps(facts, indent=2) + "\n").encode()})
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        _flush(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    for old in _checkpoints(run)[keep:]:
        shutil.rmtree(old)
    return final


def newest_checkpoint(run: Path) -> Path | None:
    """The newest whole checkpoint of a run; a damaged one is named in a warning and passed over."""
    for path in _checkpoints(run):
        damage = _damage(path)
        if damage is None:
            return path
        warnings.warn(f"train: {path} is damaged ({damage}); an earlier checkpoint is used", stacklevel=2)
    return None


def load_checkpoint(path: Path, state: TrainingState) -> int:
    """Restores encoder, objective and optimiser from a checkpoint.

    Returns:
        The number of steps done.

    Raises:
        ValueError: the checkpoint belongs to a run with other settings (the first that differs is named) or
            other files, or has more steps than are asked for.
    """
    facts = json.loads((path / "training.json").read_text(encoding="utf-8"))
    if facts["schema"] != SCHEMA:
        raise ValueError(f"train: {path} must have schema {SCHEMA}, got {facts['schema']}")
    _check_same_run(facts, state)
    state.encoder.load_state_dict(load_model(path).state_dict())
    tensors = safetensors.torch.load((path / "training.safetensors").read_bytes())
    state.objective.load_state_dict(_with_prefix(tensors, "objective."))
    optimizer = state.optimizer.state_dict()
    optimizer["state"] = {}
    for name, tensor in _with_prefix(tensors, "optimizer.").items():
        index, _, key = name.partition(".")
        optimizer["state"].setdefault(int(index), {})[key] = tensor
    state.optimizer.load_state_dict(optimizer)
    step: int = facts["step"]
    return step


def _check_same_run(facts: dict[str, Any], state: TrainingState) -> None:
    config = state.config
    # A constant rate knows no last step, nor does any loss but BYOL's: such a run may be made longer.
    open_ended = config.objective != "byol" and config.recipe.schedule == "constant"
    free = FREE_SETTINGS | {"steps"} if open_ended else FREE_SETTINGS
    for name, value in config.as_json().items():
        expected = facts["config"].get(name, LATER_SETTINGS.get(name))
        if name not in free and expected != value:
            raise ValueError(f"train: {name} must be {expected!r} as in the resumed run, got {value!r}")
    if facts["step"] > config.recipe.steps:
        raise ValueError(
            f"train: steps must be at least those that the resumed run has done, {facts['step']}, "
            f"got {config.recipe.steps}"
        )
    if facts["files"] != names_sha256(state.files):
        raise ValueError("train: data must hold the files of the resumed run, got others")


def _training_tensors(state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"objective.{name}": value for name, value in state.objective.state_dict().items()}
    for index, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in moments.items()}
    # Copies: safetensors refuses tensors that share memory.
    return {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _checkpoints(run: Path) -> list[Path]:
    """Complete checkpoints, newest first."""
    return sorted((run / "checkpoints").glob("step-*"), reverse=True)


def _damage(path: Path) -> str | None:
    """What is wrong with a checkpoint's files, or None."""
    try:
        facts = json.loads((path / "training.json").read_text(encoding="utf-8"))
        for name, expected in facts["sha256"].items():
            if _sha256(path / name) != expected:
                return f"{name} does not have its SHA-256"
    except (OSError, ValueError, KeyError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names_sha256(names: tuple[str, ...]) -> str:
    """The digest by which the files of two runs, or of two ranks, are compared."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _flush(path: Path) -> None:
    """Brings a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
