"""What is scripted from the parts: embedding files, verification, the demo."""

from singerprint.experiments.demo import DemoConfig, run_demo
from singerprint.experiments.embed_files import EmbeddedFiles, Embedder, Progress, embed_files
from singerprint.experiments.verification import TrialFiles, Verification, folder_trials, verify

__all__ = [
    "DemoConfig",
    "EmbeddedFiles",
    "Embedder",
    "Progress",
    "TrialFiles",
    "Verification",
    "embed_files",
    "folder_trials",
    "run_demo",
    "verify",
]
