"""What a training run is made of: one frozen dataclass, written beside the run as JSON."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from singerprint.augment import preset_or_file, to_config

ObjectiveName = Literal["contrastive", "byol"]


@dataclass(frozen=True)
class Recipe:
    """Optimisation settings of one objective in Torres et al., ISMIR 2023 (released configuration)."""

    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    schedule: Literal["constant", "cosine"]


RECIPES: dict[ObjectiveName, Recipe] = {
    "contrastive": Recipe(53_000, 140, 1e-4, 1e-5, 0, "constant"),
    # The authors warm up for 10 of 1,000 epochs of 170 steps.
    "byol": Recipe(62_000, 120, 3e-5, 1.5e-6, 1_700, "cosine"),
}


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run. ``None`` stands for the papers' value of the chosen objective.

    Attributes:
        data: folders of singing, ``folder/singer/**/file.{wav,flac,ogg,mp3}`` or flat.
        out: folder of the run: configuration, metrics, checkpoints and the trained encoder.
        objective: ``contrastive`` (NT-Xent) or ``byol``.
        steps: optimisation steps, at least 1.
        batch_size: pairs of crops a step, at least 2.
        crop_seconds: length of a crop, in seconds.
        sources_per_batch: each folder of ``data`` is one source of recordings, ``source/singer/**/file``, and
            a batch is drawn from so many of them, a singer at most once: neither room, microphone and codec
            can tell all its clips apart, nor are files of one singer each other's negatives. Sources of few
            singers are pooled. None draws batches from all files alike.
        learning_rate: peak learning rate.
        weight_decay: weight decay (L2 of Adam, decoupled with ``adamw``).
        warmup_steps: steps of linear warm-up, the last at the peak; at most a tenth of the steps by default.
        schedule: after the warm-up, ``constant`` or ``cosine``, which ends just above 0.
        optimizer: ``adam`` as in the papers, or ``adamw``.
        temperature: temperature of the contrastive loss.
        initial_tau: first decay rate of BYOL's target; it rises to 1 along a cosine.
        augmentation: how the two views of a clip are made to differ: a preset (``paper``, ``paper_fixed``,
            ``quiet``, ``strong``, ``none``) or a JSON or YAML file, see :mod:`singerprint.augment`.
        n_mels: bins of the log-mel spectrogram, where there is no ``init``.
        init: a run or model folder whose encoder is the starting point; None starts from random weights.
        seed: every draw of the run is a function of it.
        workers: processes that read audio; the result does not depend on it.
        log_every: steps between two lines of metrics.jsonl.
        checkpoint_every: steps between two checkpoints.
        validate_every: steps between two validations, where a validation is given.
        device: ``auto``, ``cpu`` or ``cuda``; under torchrun, rank by rank one GPU.
        rank_timeout_seconds: under torchrun, how long a rank waits for the others before it gives up, also
            while rank 0 validates alone.
    """

    data: tuple[Path, ...]
    out: Path
    objective: ObjectiveName = "contrastive"
    steps: int | None = None
    batch_size: int | None = None
    crop_seconds: float = 4.0
    sources_per_batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    warmup_steps: int | None = None
    schedule: Literal["constant", "cosine"] | None = None
    optimizer: Literal["adam", "adamw"] = "adam"
    temperature: float = 0.2
    initial_tau: float = 0.99
    augmentation: str = "paper"
    n_mels: int = 80
    init: Path | None = None
    seed: int = 0
    workers: int = 1
    log_every: int = 10
    checkpoint_every: int = 500
    validate_every: int = 500
    device: Literal["auto", "cpu", "cuda"] = "auto"
    rank_timeout_seconds: float = 1800.0
    recipe: Recipe = field(init=False)
    transforms: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        """Fills recipe and transforms and refuses settings that cannot be trained with."""
        if self.objective not in RECIPES:
            raise ValueError(f"train: objective must be one of {sorted(RECIPES)}, got {self.objective!r}")
        given = {name: getattr(self, name) for name in Recipe.__dataclass_fields__}
        recipe = dataclasses.replace(
            RECIPES[self.objective], **{name: value for name, value in given.items() if value is not None}
        )
        if self.warmup_steps is None:  # a short run must reach its peak rate too
            recipe = dataclasses.replace(recipe, warmup_steps=min(recipe.warmup_steps, recipe.steps // 10))
        object.__setattr__(self, "recipe", recipe)
        # Written out beside the run: a file may be changed, and a preset may be by a later version.
        object.__setattr__(self, "transforms", to_config(preset_or_file(self.augmentation)))
        at_least = {
            "steps": (recipe.steps, 1),
            "batch_size": (recipe.batch_size, 2),
            "warmup_steps": (recipe.warmup_steps, 0),
            "workers": (self.workers, 0),
            "log_every": (self.log_every, 1),
            "checkpoint_every": (self.checkpoint_every, 1),
            "validate_every": (self.validate_every, 1),
            "seed": (self.seed, 0),
        }
        for name, (value, least) in at_least.items():
            if value < least:
                raise ValueError(f"train: {name} must be at least {least}, got {value}")
        if self.seed >= 2**63:
            raise ValueError(f"train: seed must be below 2**63, got {self.seed}")
        for name in ("crop_seconds", "temperature", "rank_timeout_seconds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"train: {name} must be positive and finite, got {value}")
        for name in ("learning_rate", "weight_decay"):
            value = getattr(recipe, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"train: {name} must be finite and not negative, got {value}")
        if not 0 <= self.initial_tau <= 1:
            raise ValueError(f"train: initial_tau must lie in [0, 1], got {self.initial_tau}")
        if not self.data:
            raise ValueError("train: data must name at least one folder, got none")

    def as_json(self) -> dict[str, Any]:
        """The configuration as JSON values, the recipe's values filled in."""
        values = dataclasses.asdict(self) | dataclasses.asdict(self.recipe)
        del values["recipe"]
        values["data"] = [str(folder) for folder in self.data]
        values["out"] = str(self.out)
        values["init"] = None if self.init is None else str(self.init)
        return values

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of step ``step`` (0-based): linear warm-up, then constant or cosine to 0.

        Example:
            >>> config = TrainConfig((Path("a"),), Path("b"), steps=10, warmup_steps=2, learning_rate=1.0)
            >>> [config.learning_rate_at(step) for step in (0, 1, 9)]
            [0.5, 1.0, 1.0]
        """
        recipe = self.recipe
        if step < recipe.warmup_steps:
            return recipe.learning_rate * (step + 1) / recipe.warmup_steps
        if recipe.schedule == "constant":
            return recipe.learning_rate
        share = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
        return recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))
