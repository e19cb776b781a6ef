"""What is scripted from the parts: embedding files, verification, augmented takes, the demo."""

from singerprint.experiments.demo import DemoConfig, run_demo
from singerprint.experiments.embed_files import EmbeddedFiles, Embedder, Progress, embed_files
from singerprint.experiments.takes import Take, read_take, write_takes
from singerprint.experiments.verification import TrialFiles, Verification, folder_trials, verify

__all__ = [
    "DemoConfig",
    "EmbeddedFiles",
    "Embedder",
    "Progress",
    "Take",
    "TrialFiles",
    "Verification",
    "embed_files",
    "folder_trials",
    "read_take",
    "run_demo",
    "verify",
    "write_takes",
]
