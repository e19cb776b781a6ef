"""``python -m benchmarks.run [NAME ...]``: runs every ``benchmarks/<domain>/bench_<NAME>.py``, or some.

Each has ``run() -> list[dict]``: its rows are printed and kept as ``benchmarks/results/<NAME>.json``.
"""

import importlib
import sys
import traceback
from pathlib import Path

import torch
from rich.console import Console

from benchmarks import torchvision_operators  # noqa: F401 - before any bench imports torchvision
from benchmarks.harness import machine_facts, report

_PREFIX = "bench_"


def find_benches() -> dict[str, str]:
    """Name of the bench -> its module."""
    files = sorted(Path(__file__).parent.glob(f"*/{_PREFIX}*.py"))
    return {
        file.stem.removeprefix(_PREFIX): f"{__package__}.{file.parent.name}.{file.stem}" for file in files
    }


def main(names: list[str]) -> int:
    """Returns the exit code: 1 if a bench failed, 2 if a name is unknown."""
    benches = find_benches()
    unknown = [name for name in names if name not in benches]
    if unknown:
        Console(stderr=True).print(f"no bench named {', '.join(unknown)}; there are: {', '.join(benches)}")
        return 2
    torch.set_num_threads(1)
    facts = machine_facts()
    Console(soft_wrap=True).print(
        f"{facts['processor']}, {facts['instruction_set']}; one core: "
        f"{facts['matmul_gflop_per_s']:.0f} GFLOP/s (matrix product), "
        f"{facts['read_gb_per_s']:.1f} GB/s read, {facts['copy_gb_per_s']:.1f} GB/s copied"
    )
    failed = []
    for name in names or benches:
        try:
            report(name, importlib.import_module(benches[name]).run())
        except Exception:  # one broken bench does not hide the others' numbers; the exit code tells
            traceback.print_exc()
            failed.append(name)
    if failed:
        Console(stderr=True).print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
