"""The training loop: crops -> augmentation -> encoder -> loss -> step, exactly repeatable and resumable.

A step is a pure function of the state before it and of (seed, step): which files it sees follows from
(seed, epoch), where they are cropped from (seed, epoch, clip), how they are augmented from (seed, epoch,
view, clip). A run that was stopped and resumed therefore ends with the same bits as one that was not.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from singerprint import _C
from singerprint.atomic_file import write_files
from singerprint.augment import DrawKey, from_config
from singerprint.data import CheckedFiles, PairBatch, SingerFile, collate_pairs
from singerprint.models import SingerEncoder, load_model, save_model
from singerprint.training.checkpoint import TrainingState, load_checkpoint, newest_checkpoint, save_checkpoint
from singerprint.training.clock import StretchClock
from singerprint.training.config import TrainConfig
from singerprint.training.files import usable_files
from singerprint.training.interruption import stop_on_signal
from singerprint.training.metrics import append_metrics, cut_metrics
from singerprint.training.objectives import ObjectiveLoss, build_objective
from singerprint.training.positives import positives
from singerprint.training.progress import TrainingProgress

Validate = Callable[[SingerEncoder], dict[str, float]]


class TrainResult(NamedTuple):
    """What a call of :func:`train` did.

    Attributes:
        encoder: the trained encoder, in eval mode.
        steps: steps done in all, fewer than asked for when the run was stopped by a signal.
        short_files: files that are shorter than a crop and were padded.
        skipped_files: names of files that could not be used, each with the reason.
    """

    encoder: SingerEncoder
    steps: int
    short_files: int
    skipped_files: dict[str, str]


def train(
    config: TrainConfig,
    *,
    files: Sequence[SingerFile] | None = None,
    resume: bool = False,
    validate: Validate | None = None,
    show_progress: bool = True,
) -> TrainResult:
    """Trains an encoder and writes the run folder ``config.out``.

    The folder receives ``config.json``, ``metrics.jsonl``, ``checkpoints/`` and, at the end, the encoder.

    Args:
        config: the run's settings.
        files: train on these; None takes all files of ``config.data``.
        resume: go on from the newest whole checkpoint of ``config.out`` instead of starting anew.
        validate: called with the encoder in eval mode every ``config.validate_every`` steps and before the
            first; its figures join the metrics.
        show_progress: a progress bar on standard error.

    Returns:
        The trained encoder and what was noticed on the way.

    Raises:
        ValueError: no usable audio, a batch larger than the data, an occupied ``out``, or nothing to resume.
        FloatingPointError: the loss or a weight is not finite; the last checkpoint remains.

    Example:
        >>> config = TrainConfig(data=(Path("dataset"),), out=Path("runs/first"))  # doctest: +SKIP
        >>> encoder = train(config).encoder  # doctest: +SKIP
    """
    if not resume and config.out.exists() and any(config.out.iterdir()):
        raise ValueError(f"train: out must be a new or empty folder, or be resumed, got {config.out}")
    checkpoint = _checkpoint_to_resume(config) if resume else None
    run = _Run(config, usable_files(config, files), validate, checkpoint)
    config.out.mkdir(parents=True, exist_ok=True)
    done = 0 if checkpoint is None else run.restore(checkpoint)
    write_files({config.out / "config.json": (json.dumps(config.as_json(), indent=2) + "\n").encode()})
    with (
        stop_on_signal() as stop_asked,
        TrainingProgress(config.recipe.steps, done, show_progress) as progress,
    ):
        done = run.advance(done, stop_asked, progress)
    if done == config.recipe.steps:
        save_model(run.encoder, config.out)
    run.encoder.eval()
    return TrainResult(run.encoder, done, len(run.checked.short), run.skipped)


class _Run:
    """The state of a run between two steps."""

    def __init__(
        self,
        config: TrainConfig,
        checked: CheckedFiles,
        validate: Validate | None,
        checkpoint: Path | None,
    ) -> None:
        self.config = config
        self.checked = checked
        self.validate = validate
        self.skipped = {file.name: reason for file, reason in checked.unreadable}
        self.device = _device(config)
        start = checkpoint or config.init
        if start is not None:
            encoder = load_model(start)
        else:
            encoder = SingerEncoder.untrained(seed=config.seed, n_mels=config.n_mels)
        self.encoder = encoder.to(self.device)
        self.objective = build_objective(config, self.encoder).to(self.device)
        self.augmentation = from_config(config.transforms)
        trained = [*self.encoder.parameters(), *self.objective.parameters()]
        self.parameters = [parameter for parameter in trained if parameter.requires_grad]
        algorithm = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer]
        self.optimizer = algorithm(
            self.parameters, lr=config.recipe.learning_rate, weight_decay=config.recipe.weight_decay
        )
        self.pairs, self.batches = positives(config, checked.usable, self.encoder.sample_rate_hz)

    @property
    def state(self) -> TrainingState:
        """What a checkpoint holds."""
        names = tuple(file.name for file in self.checked.usable)
        return TrainingState(self.encoder, self.objective, self.optimizer, self.config, names)

    def restore(self, checkpoint: Path) -> int:
        """Loads a checkpoint and returns the number of steps it has done."""
        step = load_checkpoint(checkpoint, self.state)
        cut_metrics(self.config.out, step)
        if step < self.config.recipe.steps:  # the encoder of a shorter run is not this run's
            for name in ("encoder.json", "encoder.safetensors"):
                (self.config.out / name).unlink(missing_ok=True)
        return step

    def advance(self, done: int, stop_asked: Callable[[], bool], progress: TrainingProgress) -> int:
        """Runs the remaining steps, or until a stop is asked for; returns the number of steps done."""
        config = self.config
        if done == 0 and self.validate is not None:
            append_metrics(config.out, {"step": 0, "epoch": 0, **self._validation()})
        clock = StretchClock()
        batches = self._batches(done)
        stopping = False
        while done < config.recipe.steps and not stopping:
            with clock.waiting():
                epoch, batch = next(batches)
            clock.count(2 * len(batch.clip_ids), self._step(done, batch))
            done += 1
            progress.advance()
            stopping = stop_asked()
            last = stopping or done == config.recipe.steps
            validation_due = self.validate is not None and (last or done % config.validate_every == 0)
            checkpoint_due = last or done % config.checkpoint_every == 0
            if validation_due or checkpoint_due or done % config.log_every == 0:
                figures = clock.summary()
                self._refuse_non_finite(figures["loss"], done)
                progress.show(figures)
                figures |= {"step": done, "epoch": epoch, "learning_rate": config.learning_rate_at(done - 1)}
                append_metrics(config.out, figures | (self._validation() if validation_due else {}))
                clock = StretchClock()
            if checkpoint_due:
                self._refuse_non_finite(self._sum_of_weights(), done)
                save_checkpoint(config.out, done, self.state)
        return done

    def _batches(self, done: int) -> Iterator[tuple[int, PairBatch]]:
        """Batches from step ``done`` on, each with its epoch, without end."""
        workers = self.config.workers
        loader = DataLoader(
            self.pairs,
            batch_sampler=self.batches,
            collate_fn=collate_pairs,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        epoch, start = divmod(done, self.batches.batches_per_epoch)
        while True:
            self.batches.set_epoch(epoch, start)
            for batch in loader:
                yield epoch, batch
            epoch, start = epoch + 1, 0

    def _step(self, done: int, batch: PairBatch) -> dict[str, Tensor]:
        """One optimisation step; returns the loss and its terms, still on their device."""
        self.skipped |= {clip.name: clip.reason for clip in batch.skipped}
        if len(batch.clip_ids) < 2:
            raise ValueError(
                "train: data must give at least 2 readable clips a batch, got "
                f"{len(batch.clip_ids)}; skipped: {', '.join(clip.name for clip in batch.skipped)}"
            )
        first, second = (
            self.augmentation(
                waveforms.to(self.device),
                DrawKey.of(self.config.seed, batch.clip_ids, batch.epochs, view, device=self.device),
            )
            for view, waveforms in enumerate((batch.first, batch.second))
        )
        self.encoder.train()
        self.objective.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate_at(done)
        loss: ObjectiveLoss = self.objective(self.encoder, first, second, batch.singers.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.objective.after_step(self.encoder, (done + 1) / self.config.recipe.steps)
        terms = {name: term.detach() for name, term in loss.terms.items()}
        return {"loss": loss.total.detach(), **terms}

    def _validation(self) -> dict[str, float]:
        if self.validate is None:
            return {}
        self.encoder.eval()
        return self.validate(self.encoder)

    def _sum_of_weights(self) -> float:
        """Not finite if a weight is not."""
        return float(torch.stack([parameter.detach().double().sum() for parameter in self.parameters]).sum())

    def _refuse_non_finite(self, figure: float, done: int) -> None:
        if not math.isfinite(figure):
            raise FloatingPointError(
                f"train: loss and weights must be finite, got {figure} by step {done}; the last checkpoint "
                "is kept (a smaller learning_rate or a longer warm-up usually helps)"
            )


def _checkpoint_to_resume(config: TrainConfig) -> Path:
    path = newest_checkpoint(config.out)
    if path is None:
        raise ValueError(f"train: out must hold a checkpoint to resume from, got none in {config.out}")
    return path


def _device(config: TrainConfig) -> torch.device:
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() and _C.has_cuda else "cpu")
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("train: device must be there, got cuda on a machine or a PyTorch without it")
    return torch.device(config.device)
