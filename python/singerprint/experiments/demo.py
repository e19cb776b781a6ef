"""The main job in a few minutes: train on singing, measure on singers never heard, write a report.

Without data of one's own the singers are synthetic (:mod:`singerprint.data.synthetic`). Settings are scaled
down so that two CPU cores finish in about five minutes; ``singerprint train`` has the papers' settings.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress

from singerprint.baselines import MfccStatistics
from singerprint.data import SingerFile, check_files, scan_folder
from singerprint.data.synthetic import write_synthetic_singers
from singerprint.experiments.embed_files import Embedder, embed_files
from singerprint.experiments.verification import TrialFiles, Verification, drawn_trials, verify
from singerprint.models import SingerEncoder
from singerprint.training import TrainConfig, read_metrics, train

# One recording of several songs for each singer to train on: files of one singer would be each other's
# negatives, and a file of one song would teach the song.
TRAIN_SINGERS, SONGS_PER_RECORDING, SONG_SECONDS = 96, 4, 4.0
TEST_SINGERS, FILES_PER_TEST_SINGER = 12, 6
# Enough singers on each side to train and to measure; the rest is split in two.
MIN_SINGERS = 6


@dataclass(frozen=True)
class DemoConfig:
    """Settings of the demo.

    Attributes:
        data: folder ``singer/**/file`` of singing; None makes synthetic singers.
        out: folder of the report and of the run; what an earlier demo wrote there is replaced.
        steps: training steps.
        batch_size: pairs of crops a step.
        crop_seconds: length of a training crop.
        seed: of the singers, the split, the training.
    """

    data: Path | None = None
    out: Path = Path("runs/demo")
    steps: int = 150
    batch_size: int = 24
    crop_seconds: float = 2.0
    seed: int = 0


class Split(NamedTuple):
    """Files of the singers to train on, and of other singers to measure on."""

    train: list[SingerFile]
    test: list[SingerFile]


def run_demo(config: DemoConfig) -> Path:
    """Trains, measures and reports.

    Returns:
        The report, ``out/report.html``; pictures and the run (``out/run``) lie beside it.

    Raises:
        ValueError: the folder has too few singers or files to train on one part and measure on the other.
    """
    console = Console()
    config.out.mkdir(parents=True, exist_ok=True)
    run = config.out / "run"
    if run.exists() and not (run / "config.json").is_file():
        raise ValueError(f"demo: out must not hold a folder run that is no training run, got {config.out}")
    split = _synthetic_singers(config) if config.data is None else _split_folder(config.data, config.seed)
    subject = drawn_trials(split.test, seed=config.seed)
    console.print(
        f"training on {len(split.train)} files, measuring on {len(subject.files)} files of "
        f"{len({file.singer for file in subject.files})} other singers"
    )
    shutil.rmtree(run, ignore_errors=True)
    training = TrainConfig(
        data=(config.data or config.out / "singers",),
        out=run,
        objective="simclr",
        steps=config.steps,
        batch_size=min(config.batch_size, len(split.train)),
        crop_seconds=config.crop_seconds,
        # A run of minutes takes larger steps than the papers' of days, and a schedule that ends.
        learning_rate=1e-3,
        warmup_steps=config.steps // 10,
        schedule="cosine",
        dropout=0.0,  # what keeps a long run from learning by heart slows a short one down
        stochastic_depth=0.0,
        augmentation="quiet",  # louder noise hides the voice for longer than a demo lasts
        validate_every=max(1, config.steps // 4),
        seed=config.seed,
    )
    trained = train(
        training,
        files=split.train,
        validate=lambda encoder: {"validation_eer": verify(encoder, subject).result.eer},
    )
    measured = _measure(trained.encoder, split, subject, config)
    notes = _notes(config, split, trained.skipped_files)
    # Figures take seconds to import, which no other command has to wait for.
    from singerprint.experiments.demo_report import write_demo_report  # noqa: PLC0415

    return write_demo_report(config.out / "report.html", measured, read_metrics(run), notes, console)


def split_singers(files: Sequence[SingerFile], seed: int) -> Split:
    """Splits files by singer: a third of the singers with two files or more is kept for measuring.

    Raises:
        ValueError: fewer than six singers, or fewer than two of them have two files.
    """
    counts = dict.fromkeys(sorted({file.singer for file in files}), 0)
    for file in files:
        counts[file.singer] += 1
    several = [singer for singer, count in counts.items() if count > 1]
    if len(counts) < MIN_SINGERS or len(several) < 2:
        raise ValueError(
            f"demo: data must hold at least {MIN_SINGERS} singers, two of them with two files or more, got "
            f"{len(counts)} singers, {len(several)} with two files or more"
        )
    order = np.random.default_rng(seed).permutation(len(several))
    held_out = {several[index] for index in order[: max(2, len(several) // 3)]}
    return Split(
        [file for file in files if file.singer not in held_out],
        [file for file in files if file.singer in held_out],
    )


def _synthetic_singers(config: DemoConfig) -> Split:
    """Makes the singers, or makes them again, which gives the same files."""
    folder = config.out / "singers"
    with Progress(transient=True) as progress:
        task = progress.add_task("making synthetic singers", total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        write_synthetic_singers(
            folder / "train",
            TRAIN_SINGERS,
            1,
            songs_per_file=SONGS_PER_RECORDING,
            seconds=SONG_SECONDS,
            seed=config.seed,
            progress=report,
        )
        write_synthetic_singers(
            folder / "test", TEST_SINGERS, FILES_PER_TEST_SINGER, seed=config.seed + 1, progress=report
        )
    return Split(scan_folder(folder / "train"), scan_folder(folder / "test"))


def _split_folder(folder: Path, seed: int) -> Split:
    """A user's folder, split by singer; files whose header cannot be read are left out."""
    return split_singers(check_files(scan_folder(folder)).usable, seed)


def _measure(
    encoder: SingerEncoder, split: Split, subject: TrialFiles, config: DemoConfig
) -> dict[str, Verification]:
    """The trained encoder, first, and what it must beat, on the same trials."""
    statistics = MfccStatistics()
    statistics.fit_statistics(embed_files(statistics, split.train).embeddings)
    embedders: dict[str, Embedder] = {
        "trained here": encoder,
        "untrained": SingerEncoder.untrained(seed=config.seed),
        "MFCC statistics": statistics,
    }
    return {name: verify(embedder, subject) for name, embedder in embedders.items()}


def _notes(config: DemoConfig, split: Split, skipped: dict[str, str]) -> list[str]:
    source = f"Recordings in {config.data}" if config.data else "Synthetic singers"
    notes = [
        f"{source}: trained on {len(split.train)} files, measured on {len(split.test)} files of singers that "
        f"were not trained on. {config.steps} steps of {config.batch_size} pairs of crops of "
        f"{config.crop_seconds:g} s, NT-Xent, without labels."
    ]
    return notes + [f"Skipped {name}: {reason}" for name, reason in skipped.items()]
