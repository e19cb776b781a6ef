"""Self-supervised training: objectives, loop, checkpoints."""

from singerprint.training.config import TrainConfig
from singerprint.training.loop import TrainResult, train
from singerprint.training.metrics import read_metrics
from singerprint.training.ranks import run_ranks
from singerprint.training.recipes import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe", "TrainConfig", "TrainResult", "read_metrics", "run_ranks", "train"]
