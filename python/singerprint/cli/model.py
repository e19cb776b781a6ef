"""The arguments that name a model, alike in every command that takes one."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from singerprint.models import SingerEncoder, load_model


def add_model(parser: ArgumentParser, default: str = "") -> None:
    """``--model``, required unless `default` tells what goes without it, and ``--source``."""
    parser.add_argument(
        "--model",
        type=Path,
        required=not default,
        default=None,
        help="run or model folder, .ckpt or .pt file, or name of a released model"
        + (default and f"; {default}"),
    )
    add_source(parser)


def add_source(parser: ArgumentParser) -> None:
    """``--source`` alone."""
    parser.add_argument(
        "--source", type=str, default=None, help="folder or hub id that has a released model of that name"
    )


def named_model(arguments: Namespace) -> SingerEncoder:
    """Reads what ``--model`` and ``--source`` name."""
    return load_model(arguments.model, arguments.source)
