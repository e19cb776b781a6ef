"""Measure how well a model tells singers apart: EER and MNR with bootstrap intervals."""

import json
from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.table import Table

from singerprint.atomic_file import write_files
from singerprint.cli.model import add_model, named_model
from singerprint.cli.progress import file_progress
from singerprint.experiments import folder_trials, verify


def add_arguments(parser: ArgumentParser) -> None:
    """Model, data, and how the trials are made."""
    add_model(parser)
    parser.add_argument("--data", type=Path, required=True, help="folder of singers")
    parser.add_argument("--pairs", type=Path, default=None, help="list of trials, label,path,path a line")
    parser.add_argument(
        "--across",
        type=Literal["style", "song"],
        default=None,
        help="positives come from two styles, or two songs, of a singer",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the drawn trials")
    parser.add_argument("--json", type=Path, default=None, help="also write the figures to this file")


def run(arguments: Namespace) -> int:
    """Evaluates and prints a table."""
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        raise ValueError(f"evaluate: json must lie in an existing folder, got {arguments.json}")
    encoder = named_model(arguments)
    subject = folder_trials(arguments.data, arguments.pairs, arguments.across, arguments.seed)
    with file_progress("embedding") as progress:
        measured = verify(encoder, subject, progress)
    result = measured.result
    table = Table("", "value", "95 % interval")
    table.add_row("EER", f"{result.eer:.1%}", f"{result.eer_low:.1%} to {result.eer_high:.1%}")
    table.add_row("MNR", f"{result.mnr:.1%}", f"{result.mnr_low:.1%} to {result.mnr_high:.1%}")
    table.add_row("threshold", f"{result.eer_threshold:.3f}", "")
    console = Console()
    console.print(table)
    console.print(
        f"{result.singers} singers, {result.files} files, {result.positives} positive and "
        f"{result.negatives} negative trials; "
        f"{measured.embedded.audio_seconds / measured.embedded.seconds:.0f} times real time"
    )
    for name, reason in measured.embedded.unreadable.items():
        console.print(f"skipped {name}: {reason}", markup=False)
    if arguments.json is not None:
        write_files({arguments.json: (json.dumps(result._asdict(), indent=2) + "\n").encode()})
    return 0
