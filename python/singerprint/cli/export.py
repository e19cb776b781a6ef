"""Write a model as ONNX: one graph from waveforms to embeddings."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from singerprint.cli.model import add_model, named_model
from singerprint.models import export_onnx


def add_arguments(parser: ArgumentParser) -> None:
    """The model, the file, the length of a clip."""
    add_model(parser)
    parser.add_argument("--out", type=Path, required=True, help="file to write, .onnx")
    parser.add_argument("--seconds", type=float, default=None, help="length of every clip; default: any")


def run(arguments: Namespace) -> int:
    """Exports, and says what the graph takes and gives."""
    if not arguments.out.absolute().parent.is_dir():
        raise ValueError(f"export: out must lie in an existing folder, got {arguments.out}")
    encoder = named_model(arguments)
    export_onnx(encoder, arguments.out, arguments.seconds)
    length = "any length" if arguments.seconds is None else f"{arguments.seconds:g} s"
    print(
        f"{encoder.dim} numbers an embedding, from {length} at {encoder.sample_rate_hz} Hz; {arguments.out}"
    )
    return 0
