"""A small folder of singers, and a configuration that trains on it in a second."""

from pathlib import Path

import pytest

from singerprint.data.synthetic import write_synthetic_singers
from singerprint.training import TrainConfig


@pytest.fixture(scope="session")
def singing(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("singing")
    write_synthetic_singers(folder, singers=3, files_per_singer=2, seconds=1.5, seed=0)
    return folder


@pytest.fixture
def small_config(singing, tmp_path):
    def make(**settings) -> TrainConfig:
        defaults = {
            "data": (singing,),
            "out": tmp_path / "run",
            "objective": "simclr",
            "steps": 4,
            "batch_size": 3,
            "crop_seconds": 0.5,
            "learning_rate": 1e-3,
            "workers": 0,
            "log_every": 1,
            "checkpoint_every": 2,
            "warmup_steps": 0,
        }
        return TrainConfig(**defaults | settings)

    return make
