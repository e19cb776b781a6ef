"""Tables to read and JSON to keep, for the judges of quality."""

import json
import math

from rich.console import Console
from rich.table import Table

from benchmarks.harness import machine_facts
from singerprint.atomic_file import write_files


def show(title, rows, columns=None):
    """Prints `columns` (default: all) of dictionaries; the words of a column's name go below each other."""
    columns = columns or list(dict.fromkeys(column for row in rows for column in row))
    table = Table(title=title)
    for column in columns:
        is_text = any(isinstance(row.get(column), str) for row in rows)
        words = column.replace("_percent", "_%").split("_")
        table.add_column("\n".join(words), justify="left" if is_text else "right")
    for row in rows:
        table.add_row(*(_cell(row.get(column, math.nan)) for column in columns))
    console = Console()
    # A file or a pipe has no width of its own: 80 columns would cut the names.
    Console(width=None if console.is_terminal else 200).print(table)


def _cell(value):
    if not isinstance(value, float):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.2f}"


def keep(path, facts):
    """Writes `facts` and the machine's as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(_finite({**facts, "machine": machine_facts()}), indent=2, allow_nan=False) + "\n"
    write_files({path: content.encode()})


def _finite(value):
    """JSON has neither infinity nor NaN: "inf" is an exact copy's SNR, null a figure that does not exist."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
