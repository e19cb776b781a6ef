"""What a training run is made of: one frozen dataclass, written beside the run as JSON."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from singerprint.augment import preset_or_file, to_config
from singerprint.models.encoder_config import MINIMUM_CLIP_SECONDS
from singerprint.models.networks import NETWORKS
from singerprint.training.recipes import LABELLED, RECIPES, ObjectiveName, Recipe


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run. ``None`` stands for the papers' value of the chosen objective.

    Attributes:
        data: folders of singing, ``folder/singer/**/file.{wav,flac,ogg,mp3}`` or flat.
        out: folder of the run: configuration, metrics, checkpoints and the trained encoder.
        objective: what is minimised over pairs of crops. Two crops of a file, no labels: ``contrastive`` (the
            released CONT: the other clips of the second view are the negatives of the first, the positive is
            left out of the denominator), ``contrastive_vc`` (and variance and covariance of VICReg),
            ``uniformity_alignment``, ``vicreg``, ``byol``, ``simclr`` (symmetric NT-Xent). Crops of two files
            of one singer, known by the folder: ``singer_contrastive``.
        weights: what terms of the objective are multiplied by, such as ``--weights.variance 10``. Terms:
            ``cross_decoupled`` of ``contrastive``; it, ``variance`` and ``covariance`` of ``contrastive_vc``;
            ``alignment`` and ``uniformity`` of ``uniformity_alignment``; ``invariance``, ``variance`` and
            ``covariance`` of ``vicreg``; ``byol``, ``nt_xent``, ``supervised_nt_xent`` of the others. Terms
            left out keep the papers' weights.
        steps: optimisation steps, at least 1.
        batch_size: pairs of crops a step, at least 2.
        crop_seconds: length of a crop, in seconds, at least 0.1.
        sources_per_batch: each folder of ``data`` is one source of recordings, ``source/singer/**/file``, and
            a batch is drawn from so many of them, a singer at most once: neither room, microphone and codec
            can tell all its clips apart, nor are files of one singer each other's negatives. Sources of few
            singers are pooled. None draws batches from all files alike.
        learning_rate: peak learning rate.
        weight_decay: weight decay (L2 of Adam, decoupled with ``adamw``).
        warmup_steps: steps of linear warm-up, the last at the peak; at most a tenth of the steps by default.
        schedule: after the warm-up, ``constant`` or ``cosine``, which ends just above 0.
        optimizer: ``adam`` as in the papers, or ``adamw``.
        temperature: of ``cross_decoupled``, ``nt_xent`` and ``supervised_nt_xent``, 1e-6 to 1e6.
        initial_tau: first decay rate of BYOL's target; it rises to 1 along a cosine.
        augmentation: how the two views of a pair are made to differ: a preset (``paper``, ``paper_fixed``,
            ``quiet``, ``strong``, ``none``) or a JSON or YAML file, see :mod:`singerprint.augment`.
        n_mels: bins of the log-mel spectrogram, where there is no ``init``.
        network: what embeds it, one of ``models.networks.NETWORKS``, where there is no ``init``.
        dropout: probability in [0, 1) that a feature is dropped before the network's last layer. None is that
            of the published training, 0.2 of ``efficientnet_b0`` and 0.4 of ``efficientnet_b4``, whatever the
            aggregation.
        stochastic_depth: probability in [0, 1) that a clip goes around a block, rising from 0 at the first to
            nearly this at the last. None is that of the published training, 0.2.
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
    weights: dict[str, float] | None = None
    steps: int | None = None
    batch_size: int | None = None
    crop_seconds: float | None = None
    sources_per_batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    warmup_steps: int | None = None
    schedule: Literal["constant", "cosine"] | None = None
    optimizer: Literal["adam", "adamw"] = "adam"
    temperature: float = 0.2
    initial_tau: float = 0.99
    augmentation: str | None = None
    n_mels: int = 80
    network: str = "efficientnet_b0"
    dropout: float | None = None
    stochastic_depth: float | None = None
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
        if self.network not in NETWORKS:
            raise ValueError(f"train: network must be one of {sorted(NETWORKS)}, got {self.network!r}")
        given = {name: getattr(self, name) for name in Recipe.__dataclass_fields__}
        given["weights"] = self._complete_weights()
        recipe = dataclasses.replace(
            RECIPES[self.objective], **{name: value for name, value in given.items() if value is not None}
        )
        if self.warmup_steps is None:  # a short run must reach its peak rate too
            recipe = dataclasses.replace(recipe, warmup_steps=min(recipe.warmup_steps, recipe.steps // 10))
        object.__setattr__(self, "recipe", recipe)
        # Written out beside the run: a file may be changed, and a preset may be by a later version.
        object.__setattr__(self, "transforms", to_config(preset_or_file(recipe.augmentation)))
        self._check_numbers(recipe)
        if self.sources_per_batch is not None and self.objective in LABELLED:
            raise ValueError(
                f"train: sources_per_batch must be left out with {self.objective}, whose batches are drawn "
                f"from all singers alike, got {self.sources_per_batch}"
            )
        if not self.data:
            raise ValueError("train: data must name at least one folder, got none")

    def _check_numbers(self, recipe: Recipe) -> None:
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
        # The bounds of encoder and losses, which would name them at the first step, with the folder written.
        if not MINIMUM_CLIP_SECONDS <= recipe.crop_seconds < math.inf:
            raise ValueError(
                f"train: crop_seconds must be at least {MINIMUM_CLIP_SECONDS} and finite, "
                f"got {recipe.crop_seconds}"
            )
        if not 1e-6 <= self.temperature <= 1e6:
            raise ValueError(f"train: temperature must be between 1e-6 and 1e6, got {self.temperature}")
        timeout = self.rank_timeout_seconds
        if not 0 < timeout < math.inf:
            raise ValueError(f"train: rank_timeout_seconds must be positive and finite, got {timeout}")
        for name in ("dropout", "stochastic_depth"):
            probability = getattr(self, name)
            if probability is not None and not 0 <= probability < 1:
                raise ValueError(f"train: {name} must lie in [0, 1), got {probability}")
        for name in ("learning_rate", "weight_decay"):
            value = getattr(recipe, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"train: {name} must be finite and not negative, got {value}")
        if not 0 <= self.initial_tau <= 1:
            raise ValueError(f"train: initial_tau must lie in [0, 1], got {self.initial_tau}")

    def _complete_weights(self) -> dict[str, float]:
        """The papers' weights, those that are given in their places."""
        weights = dict(RECIPES[self.objective].weights)
        for name, value in (self.weights or {}).items():
            if name not in weights:
                raise ValueError(
                    f"train: weights must be of the terms of {self.objective}, {', '.join(weights)}, "
                    f"got {name!r}"
                )
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"train: the weight of {name} must be finite and not negative, got {value}")
            weights[name] = value
        if not any(weights.values()):
            raise ValueError(f"train: weights must not all be 0, got {weights}")
        return weights

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
