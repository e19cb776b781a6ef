"""Write one embedding a file to an .npz archive."""

import io
from pathlib import Path

import numpy as np
from jsonargparse import ArgumentParser, Namespace

from singerprint.atomic_file import write_files
from singerprint.cli.model import add_model, named_model
from singerprint.cli.progress import file_progress
from singerprint.data import SingerFile, scan_folder
from singerprint.experiments import embed_files


def add_arguments(parser: ArgumentParser) -> None:
    """Files or a folder, the model, the archive."""
    parser.add_argument("inputs", nargs="+", type=Path, help="audio files, or one folder of them")
    add_model(parser)
    parser.add_argument("--out", type=Path, required=True, help="archive to write, .npz")


def run(arguments: Namespace) -> int:
    """Embeds and writes; an array is named by its file's path relative to the folder, or as it was given."""
    if arguments.out.suffix != ".npz":
        raise ValueError(f"embed: out must end in .npz, got {arguments.out}")
    if not arguments.out.absolute().parent.is_dir():
        raise ValueError(f"embed: out must lie in an existing folder, got {arguments.out}")
    files = _files(arguments.inputs)
    encoder = named_model(arguments)
    with file_progress("embedding") as progress:
        embedded = embed_files(encoder, files, progress)
    arrays = {file.name: row for file, row in zip(embedded.files, embedded.embeddings, strict=True)}
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    write_files({arguments.out: archive.getvalue()})
    print(f"{len(arrays)} embeddings of {encoder.dim} numbers in {arguments.out}")
    for name, reason in embedded.unreadable.items():
        print(f"skipped {name}: {reason}")
    return 0


def _files(inputs: list[Path]) -> list[SingerFile]:
    folders = [path for path in inputs if path.is_dir()]
    if not folders:
        if len(set(inputs)) < len(inputs):
            raise ValueError("embed: inputs must name every file once, got one twice")
        if missing := [path for path in inputs if not path.exists()]:
            raise ValueError(f"embed: inputs must exist, got {', '.join(map(str, missing))}")
        return [SingerFile(path, path.as_posix(), path.stem, None) for path in inputs]
    if len(inputs) > 1:
        raise ValueError(
            f"embed: inputs must be files or one folder, got the folder {folders[0]} among others"
        )
    return scan_folder(folders[0])
