"""Write augmented takes of a recording, to listen to."""

from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser, Namespace

from singerprint.augment import from_config, preset, read_config
from singerprint.augment.presets import PRESETS
from singerprint.cli.progress import file_progress
from singerprint.experiments import write_takes


def add_arguments(parser: ArgumentParser) -> None:
    """The recording, the chain, the folder."""
    parser.add_argument("file", type=Path, help="audio file")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the takes and takes.json")
    parser.add_argument(
        "--preset", type=str, default=None, help=f"chain, of {', '.join(PRESETS)} (default: paper)"
    )
    parser.add_argument("--config", type=Path, default=None, help="JSON or YAML file with a chain")
    parser.add_argument("--takes", type=int, default=8, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of every draw")
    parser.add_argument("--start_seconds", type=float, default=0.0, help="where to begin")
    parser.add_argument("--duration_seconds", type=float, default=None, help="how much (default: all)")
    parser.add_argument("--format", type=Literal["wav", "flac"], default="wav", help="of the takes")


def run(arguments: Namespace) -> int:
    """Writes the takes and says where they are."""
    if arguments.config is not None and arguments.preset is not None:
        raise ValueError(
            "augment: preset and config must not both be given, got "
            f"{arguments.preset!r} and {arguments.config}"
        )
    if arguments.config is not None:
        chain = from_config(read_config(arguments.config))
    else:
        chain = preset(arguments.preset or "paper")
    with file_progress("augmenting") as progress:
        takes = write_takes(
            arguments.file,
            chain,
            arguments.out,
            arguments.takes,
            seed=arguments.seed,
            start_seconds=arguments.start_seconds,
            duration_seconds=arguments.duration_seconds,
            audio_format=arguments.format,
            progress=progress,
        )
    print(f"{len(takes)} takes in {arguments.out}; takes.json there holds what was drawn")
    return 0
