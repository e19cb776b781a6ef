"""metrics.jsonl: one JSON object a line, appended while a run goes on, cut back when it is resumed."""

import json
from pathlib import Path
from typing import Any

from singerprint.atomic_file import write_files

FILE_NAME = "metrics.jsonl"


def append_metrics(run: Path, record: dict[str, Any]) -> None:
    """Appends one record, such as ``{"step": 10, "loss": 4.2}``, and flushes it."""
    with (run / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """All records of a run, oldest first; none if the run has not written any.

    Raises:
        ValueError: a line is not JSON (an unfinished last line, left by a crash, is passed over).
    """
    path = run / FILE_NAME
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            break
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"read_metrics: line {number} of {path} must be JSON, got {line!r}") from error
    return records


def cut_metrics(run: Path, last_step: int) -> None:
    """Drops the records after ``last_step``: a resumed run writes them again."""
    kept = [record for record in read_metrics(run) if record["step"] <= last_step]
    lines = "".join(json.dumps(record) + "\n" for record in kept)
    write_files({run / FILE_NAME: lines.encode()})
