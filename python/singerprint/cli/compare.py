"""Print the cosine similarity of the voices in two files."""

import sys
from pathlib import Path

import numpy as np
from jsonargparse import ArgumentParser, Namespace

from singerprint.cli.model import add_model, named_model
from singerprint.evaluation import cosine_scores


def add_arguments(parser: ArgumentParser) -> None:
    """Two files and the model."""
    parser.add_argument("first", type=Path, help="audio file")
    parser.add_argument("second", type=Path, help="audio file")
    add_model(parser, default="default: newest in runs/")


def run(arguments: Namespace) -> int:
    """Prints one number in [-1, 1].

    How high is high depends on the model: see the threshold that ``evaluate`` prints.
    """
    arguments.model = arguments.model or _newest_model()
    encoder = named_model(arguments)
    embeddings = np.stack([encoder.embed(path).numpy() for path in (arguments.first, arguments.second)])
    print(f"{cosine_scores(embeddings, [0], [1])[0]:.4f}")
    return 0


def _newest_model() -> Path:
    found = (path for path in Path("runs").glob("**/encoder.json") if ".partial" not in path.parent.name)
    models = sorted(found, key=lambda path: path.stat().st_mtime)
    if not models:
        raise ValueError("compare: model must be given where runs/ holds none, got no --model")
    print(f"model: {models[-1].parent}", file=sys.stderr)
    return models[-1].parent
