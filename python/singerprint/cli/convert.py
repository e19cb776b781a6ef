"""Write a released model, or a checkpoint of the published trainers, as a model folder."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from singerprint.cli.model import add_source
from singerprint.models import load_model, save_model


def add_arguments(parser: ArgumentParser) -> None:
    """What is converted, where it is, where it goes."""
    parser.add_argument(
        "model",
        type=Path,
        help="folder with hyperparams.yaml and model.pt, .ckpt or .pt file, or name of a model",
    )
    add_source(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")


def run(arguments: Namespace) -> int:
    """Converts; the folder holds safetensors and JSON, and embeds as the model does by default."""
    encoder = load_model(arguments.model, arguments.source)
    save_model(encoder, arguments.out)
    print(f"{encoder.dim} numbers an embedding, from {encoder.sample_rate_hz} Hz; in {arguments.out}")
    return 0
