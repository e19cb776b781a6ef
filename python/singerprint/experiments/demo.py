"""The main job in a few minutes: train on singing, measure on singers never heard, write a report.

Without data of one's own the singers are synthetic (:mod:`singerprint.data.synthetic`). Settings are scaled
down so that two CPU cores finish in about five minutes; ``singerprint train`` has the papers' settings.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from singerprint.baselines import MfccStatistics
from singerprint.data import SingerFile, scan_folder, write_synthetic_singers
from singerprint.evaluation import cosine_scores, default_trials
from singerprint.experiments.embed_files import Embedder
from singerprint.experiments.verification import TrialFiles, Verification, verify
from singerprint.models import SingerEncoder
from singerprint.plots import embedding_map, score_histogram, similarity_matrix, training_curve, write_report
from singerprint.training import TrainConfig, read_metrics, train

MIN_TEST_SINGERS = 3


@dataclass(frozen=True)
class DemoConfig:
    """Settings of the demo.

    Attributes:
        data: folder ``singer/**/file`` of singing; None makes synthetic singers.
        out: folder of the report and of the run; what an earlier demo left there is replaced.
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


class Contender(NamedTuple):
    """An embedder, its name in the table, and what was measured."""

    name: str
    measured: Verification


def run_demo(config: DemoConfig) -> Path:
    """Trains, measures and reports.

    Returns:
        The report, ``out/report.html``; pictures and the run (``out/run``) lie beside it.

    Raises:
        ValueError: the folder has too few singers or files to train on one part and test on the other.
    """
    console = Console()
    for leftover in ("run", "singers"):
        shutil.rmtree(config.out / leftover, ignore_errors=True)
    if config.data is None:
        console.print("making synthetic singers")
        folder = config.out / "singers"
        write_synthetic_singers(folder, singers=24, files_per_singer=6, seconds=6.0, seed=config.seed)
    else:
        folder = config.data
    train_files, test_files = split_singers(scan_folder(folder), config.seed)
    groups = None
    trials = default_trials([file.singer for file in test_files], groups, seed=config.seed)
    subject = TrialFiles(test_files, trials)
    return folder
