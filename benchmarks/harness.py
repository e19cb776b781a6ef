"""The only timing function of the project, and what its numbers are kept with.

    measurement = measure(lambda: gain(waveforms, gain_db))          # median, min, max, n
    rows = compare("16 x 176400", {"singerprint": ours, "torch": theirs}, bytes_moved=...)
    report("gain", rows)                                             # table to read, JSON to keep

A contender is checked against ours before it is timed; that is the bench's duty, not the harness's.
"""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import singerprint as sp
from singerprint.atomic_file import write_files

RESULTS = Path(__file__).parent / "results"

Row = dict[str, object]


class Measurement(NamedTuple):
    """Wall time of one call."""

    median_ms: float
    min_ms: float
    max_ms: float
    n: int


def _synchronise(device: torch.device | str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def measure(
    fn: Callable[[], object], device: torch.device | str = "cpu", seconds: float = 1.0
) -> Measurement:
    """Calls ``fn`` again and again for ``seconds`` (at least 5 times), after a tenth of that to warm up."""
    (measurement,) = _measure_in_turns([fn], device, seconds, turns=1, at_least=5)
    return measurement


def _measure_in_turns(
    fns: Sequence[Callable[[], object]], device: torch.device | str, seconds: float, turns: int, at_least: int
) -> list[Measurement]:
    """Contenders take turns, so that what disturbs the machine for a while disturbs them all."""
    for fn in fns:
        _repeat(fn, device, seconds / 10, at_least=2)
    times_ms: list[list[float]] = [[] for _ in fns]
    for _ in range(turns):
        for fn, times in zip(fns, times_ms, strict=True):
            times.extend(_repeat(fn, device, seconds / turns, at_least=-(-at_least // turns)))
    return [Measurement(statistics.median(t), min(t), max(t), len(t)) for t in times_ms]


def _repeat(
    fn: Callable[[], object], device: torch.device | str, seconds: float, at_least: int
) -> list[float]:
    times_ms: list[float] = []
    _synchronise(device)
    end = time.perf_counter() + seconds
    while len(times_ms) < at_least or time.perf_counter() < end:
        start = time.perf_counter()
        fn()
        _synchronise(device)
        times_ms.append((time.perf_counter() - start) * 1e3)
    return times_ms


def compare(
    case: str,
    contenders: Mapping[str, Callable[[], object]],
    *,
    bytes_moved: float = 0.0,
    flops: float = 0.0,
    device: torch.device | str = "cpu",
    seconds: float = 1.0,
    at_least: int = 5,
) -> list[Row]:
    """One row per contender; ``slower_by`` is its median over the first contender's, which is ours.

    ``bytes_moved`` and ``flops`` are what the task needs, not what a contender spends: they give GB/s and
    GFLOP/s that compare with the machine's ceiling. Where a call takes many seconds, `at_least` may be fewer
    calls of each contender.
    """
    rows: list[Row] = []
    measurements = _measure_in_turns(
        list(contenders.values()), device, seconds, turns=min(5, at_least), at_least=at_least
    )
    for contender, measurement in zip(contenders, measurements, strict=True):
        row: Row = {"case": case, "contender": contender, **measurement._asdict()}
        if bytes_moved:
            row["gb_per_s"] = bytes_moved / measurement.median_ms / 1e6
        if flops:
            row["gflop_per_s"] = flops / measurement.median_ms / 1e6
        row["slower_by"] = measurement.median_ms / measurements[0].median_ms
        rows.append(row)
    return rows


@cache
def machine_facts() -> Row:
    """What the numbers depend on: processor, versions, commit, and this core's ceilings, measured."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ceilings = _ceilings()
    finally:
        torch.set_num_threads(threads)
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instruction_set": sp._C.instruction_set(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        **ceilings,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "singerprint": sp.__version__,
        "commit": _commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _ceilings() -> Row:
    """One core's best: a matrix product for arithmetic, a sum and a copy of more than the caches hold."""
    size = 768
    a, b = torch.randn(size, size), torch.randn(size, size)
    product = torch.empty(size, size)
    large, target = torch.ones(1 << 26), torch.empty(1 << 26)  # 256 MiB each
    fill_bytes = large.numel() * large.element_size()
    return {
        "matmul_gflop_per_s": 2
        * size**3
        / measure(lambda: torch.mm(a, b, out=product), seconds=0.2).min_ms
        / 1e6,
        "read_gb_per_s": fill_bytes / measure(large.sum, seconds=0.2).min_ms / 1e6,
        "copy_gb_per_s": 2 * fill_bytes / measure(lambda: target.copy_(large), seconds=0.2).min_ms / 1e6,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None  # an unpacked archive has no commit


def report(name: str, rows: Sequence[Mapping[str, object]], path: Path | None = None) -> Path:
    """Prints ``rows`` and writes them with :func:`machine_facts` to ``benchmarks/results/<name>.json``."""
    path = path or RESULTS / f"{name}.json"
    facts = machine_facts()
    _print_table(name, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"name": name, "machine": facts, "rows": list(rows)}, indent=2) + "\n"
    write_files({path: content.encode()})
    return path


def _print_table(name: str, rows: Sequence[Mapping[str, object]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(title=name)
    numeric = {c for c in columns if all(isinstance(row.get(c, 0), (int, float)) for row in rows)}
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left")
    for row in rows:
        table.add_row(*(_cell(row.get(column, "")) for column in columns))
    # A file or a pipe has no width of its own: 80 columns would cut the contenders' names.
    console = Console()
    Console(width=None if console.is_terminal else 160).print(table)


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
