"""The command ``singerprint``: parses arguments, calls one function, tells mistakes in one sentence."""

import os
import sys
from collections.abc import Sequence

from jsonargparse import ArgumentParser

import singerprint as sp
from singerprint.cli import augment, compare, convert, demo, embed, evaluate, export, train
from singerprint.distributed import RankError

COMMANDS = {
    "train": train,
    "evaluate": evaluate,
    "embed": embed,
    "compare": compare,
    "convert": convert,
    "export": export,
    "augment": augment,
    "demo": demo,
}


def build_parser() -> ArgumentParser:
    """The parser of the command and of all its subcommands."""
    parser = ArgumentParser(prog="singerprint", description=sp.__doc__, version=sp.__version__)
    subcommands = parser.add_subcommands(required=True, dest="command")
    for name, module in COMMANDS.items():
        subparser = ArgumentParser(description=module.__doc__)
        module.add_arguments(subparser)
        subcommands.add_subcommand(name, subparser, help=(module.__doc__ or "").splitlines()[0])
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Returns:
        0, 2 after a mistake in the arguments or the data, 130 after an interruption. With the environment
        variable ``SINGERPRINT_TRACEBACK=1`` a mistake raises, for who wants to see where.
    """
    parsed = build_parser().parse_args(None if arguments is None else list(arguments))
    module = COMMANDS[parsed.command]
    try:
        code: int = module.run(parsed[parsed.command])
    except (ValueError, OSError, FloatingPointError, NotImplementedError, RankError) as error:
        if os.environ.get("SINGERPRINT_TRACEBACK") == "1":
            raise
        print(f"singerprint: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"singerprint {parsed.command}: interrupted", file=sys.stderr)
        return 130
    return code
