"""The training loop: crops -> augmentation -> encoder -> loss -> step, exactly repeatable and resumable.

A step is a pure function of the state before it and of (seed, step): which files it sees follows from
(seed, epoch), where they are cropped from (seed, epoch, clip), how they are augmented from (seed, epoch,
view, clip), and what the network drops from (seed, step, row of the batch). A run that was stopped and
resumed therefore ends with the same bits as one that was not.
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from singerprint.atomic_file import write_files
from singerprint.augment import DrawKey, from_config
from singerprint.data import CheckedFiles, PairBatch, SingerFile
from singerprint.distributed import all_or_none, exchange, rank, rank_count, synchronise_batch_norm
from singerprint.models import SingerEncoder, load_model, save_model
from singerprint.training.batches import rank_batches
from singerprint.training.checkpoint import TrainingState, load_checkpoint, newest_checkpoint, save_checkpoint
from singerprint.training.clock import StretchClock
from singerprint.training.config import TrainConfig
from singerprint.training.dropping import set_dropping
from singerprint.training.files import usable_files
from singerprint.training.interruption import stop_on_signal
from singerprint.training.metrics import append_metrics, cut_metrics
from singerprint.training.objectives import ObjectiveLoss, build_objective
from singerprint.training.positives import positives
from singerprint.training.progress import TrainingProgress
from singerprint.training.ranks import (
    OPERATION,
    average_step,
    figures_of_all,
    readable_on_every_rank,
    refuse_other_state,
    run_ranks,
)

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
    Under torchrun the ranks share each batch (see :mod:`singerprint.training.ranks`); rank 0 writes.

    Args:
        config: the run's settings.
        files: train on these; None takes all files of ``config.data``.
        resume: go on from the newest whole checkpoint of ``config.out`` instead of starting anew.
        validate: called with the encoder in eval mode every ``config.validate_every`` steps and before the
            first, on rank 0; its figures join the metrics.
        show_progress: a progress bar on standard error.

    Returns:
        The trained encoder and what was noticed on the way.

    Raises:
        ValueError: no usable audio, a batch larger than the data or not divisible by the ranks, an occupied
            ``out``, or nothing to resume.
        FloatingPointError: the loss or a weight is not finite; the last checkpoint remains.
        RankError: another rank failed, left or came too late.

    Example:
        >>> config = TrainConfig(data=(Path("dataset"),), out=Path("runs/first"))  # doctest: +SKIP
        >>> encoder = train(config).encoder  # doctest: +SKIP
    """
    with run_ranks(config) as device:
        with all_or_none(OPERATION):
            if not resume and config.out.exists() and any(config.out.iterdir()):
                raise ValueError(f"train: out must be a new or empty folder, or be resumed, got {config.out}")
            checkpoint = _checkpoint_to_resume(config) if resume else None
            run = _Run(config, usable_files(config, files), validate, checkpoint, device)
            done = 0 if checkpoint is None else load_checkpoint(checkpoint, run.state)
        refuse_other_state(run.state, done)
        with all_or_none(OPERATION):
            if rank() == 0:
                _prepare_folder(config, checkpoint, done)
        with (
            stop_on_signal() as stop_asked,
            TrainingProgress(config.recipe.steps, done, show_progress and rank() == 0) as progress,
        ):
            done = run.advance(done, stop_asked, progress)
        with all_or_none(OPERATION):
            if rank() == 0 and done == config.recipe.steps:
                save_model(run.encoder, config.out)
        run.encoder.eval()
        skipped = {name: reason for part in exchange(OPERATION, run.skipped) for name, reason in part.items()}
    return TrainResult(run.encoder, done, len(run.checked.short), skipped)


class _Run:
    """The state of a run between two steps."""

    def __init__(
        self,
        config: TrainConfig,
        checked: CheckedFiles,
        validate: Validate | None,
        checkpoint: Path | None,
        device: torch.device,
    ) -> None:
        self.config = config
        self.checked = checked
        self.validate = validate
        self.skipped = {file.name: reason for file, reason in checked.unreadable}
        self.device = device
        start = checkpoint or config.init
        if start is not None:
            encoder = load_model(start)
        else:
            encoder = SingerEncoder.untrained(seed=config.seed, n_mels=config.n_mels, network=config.network)
        set_dropping(encoder, config)
        self.encoder = encoder.to(self.device)
        self.objective = build_objective(config, self.encoder).to(self.device)
        if rank_count() > 1:
            synchronise_batch_norm(self.objective)
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

    def advance(self, done: int, stop_asked: Callable[[], bool], progress: TrainingProgress) -> int:
        """Runs the remaining steps, or until a rank is asked to stop; returns the number of steps done."""
        config = self.config
        if done == 0 and self.validate is not None:
            self._write_metrics({"step": 0, "epoch": 0}, validate=True)
        clock = StretchClock()
        batches = rank_batches(config, self.pairs, self.batches, done)
        stopping = False
        while done < config.recipe.steps and not stopping:
            with clock.waiting():
                with all_or_none(OPERATION):
                    epoch, batch = next(batches)
                    self.skipped |= {clip.name: clip.reason for clip in batch.skipped}
                batch = readable_on_every_rank(batch)
            clock.count(2 * len(batch.clip_ids), self._step(done, batch))
            done += 1
            progress.advance()
            stopping = any(exchange("train: stop", stop_asked()))
            last = stopping or done == config.recipe.steps
            validation_due = self.validate is not None and (last or done % config.validate_every == 0)
            checkpoint_due = last or done % config.checkpoint_every == 0
            if validation_due or checkpoint_due or done % config.log_every == 0:
                figures = figures_of_all(clock.summary())
                self._refuse_non_finite(figures["loss"], done)
                progress.show(figures)
                figures |= {"step": done, "epoch": epoch, "learning_rate": config.learning_rate_at(done - 1)}
                self._write_metrics(figures, validation_due)
                clock = StretchClock()
            if checkpoint_due:
                self._refuse_non_finite(self._sum_of_weights(), done)
                with all_or_none(OPERATION):
                    if rank() == 0:
                        save_checkpoint(config.out, done, self.state)
        return done

    def _step(self, done: int, batch: PairBatch) -> dict[str, Tensor]:
        """One optimisation step; returns the loss and its terms, still on their device."""
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
        self.encoder.network.first_row = rank() * 2 * len(batch.clip_ids)
        loss: ObjectiveLoss = self.objective(self.encoder, first, second, batch.singers.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        average_step(self.state, self.parameters)
        self.optimizer.step()
        self.objective.after_step(self.encoder, (done + 1) / self.config.recipe.steps)
        terms = {name: term.detach() for name, term in loss.terms.items()}
        return {"loss": loss.total.detach(), **terms}

    def _write_metrics(self, figures: dict[str, float], validate: bool) -> None:
        """Rank 0 validates, where asked to, and appends the figures; the others wait."""
        with all_or_none(OPERATION):
            if rank() != 0:
                return
            if validate and self.validate is not None:
                self.encoder.eval()
                figures = figures | self.validate(self.encoder)
            append_metrics(self.config.out, figures)

    def _sum_of_weights(self) -> float:
        """Not finite if a weight is not."""
        return float(torch.stack([parameter.detach().double().sum() for parameter in self.parameters]).sum())

    def _refuse_non_finite(self, figure: float, done: int) -> None:
        if not math.isfinite(figure):
            raise FloatingPointError(
                f"train: loss and weights must be finite, got {figure} by step {done}; the last checkpoint "
                "is kept (a smaller learning_rate or a longer warm-up usually helps)"
            )


def _prepare_folder(config: TrainConfig, checkpoint: Path | None, done: int) -> None:
    """Writes the configuration, and takes back what a resumed run wrote after its checkpoint."""
    config.out.mkdir(parents=True, exist_ok=True)
    if checkpoint is not None:
        cut_metrics(config.out, done)
        if done < config.recipe.steps:  # the encoder of a shorter run is not this run's
            for name in ("encoder.json", "encoder.safetensors"):
                (config.out / name).unlink(missing_ok=True)
    write_files({config.out / "config.json": (json.dumps(config.as_json(), indent=2) + "\n").encode()})


def _checkpoint_to_resume(config: TrainConfig) -> Path:
    path = newest_checkpoint(config.out)
    if path is None:
        raise ValueError(f"train: out must hold a checkpoint to resume from, got none in {config.out}")
    return path
