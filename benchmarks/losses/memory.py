"""Peak memory of a loss's forward and backward against the number of embeddings: does it grow linearly?

    python -m benchmarks.losses.memory [--most-rows 65536]

Each point is a process of its own: what its peak of resident memory grows by over the embeddings themselves,
after a small call that loads the code. The plain expressions of the benches go as far as they stay within
4 GB. Ends with exit code 1 where the exponent of a fit of log(peak) to log(rows) is over 1.1. Linux only.
"""

import importlib
import json
import math
import re
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import torch
from benchmarks.harness import Row, report

from singerprint import losses

DIM = 128
FEWEST_ROWS = 1024
MOST_EXPONENT = 1.1
# Logits, their exponentials or softmax, gradients and temporaries: what the plain expressions hold at once.
PLAIN_MATRICES, PLAIN_LIMIT_BYTES = 6, 4e9
OURS = {
    "nt_xent": lambda z: losses.nt_xent(*z.chunk(2), 0.2),
    "decoupled": lambda z: losses.decoupled(*z.chunk(2), 0.1),
    "uniformity": losses.uniformity,
}


def contender(loss, name):
    """A function of all rows."""
    if name == "singerprint":
        return OURS[loss]
    importlib.import_module("benchmarks.torchvision_operators")  # before lightly, which the benches import
    plain = importlib.import_module(f"benchmarks.losses.bench_{loss}").plain_torch
    return plain if loss == "uniformity" else lambda z: plain(*z.chunk(2))


def peak_bytes():
    # Not `ru_maxrss`, in which the peak of the process that started this one lives on.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status).group(1))


def point(loss, name, rows):
    """Run in a process of its own: prints the peak over the embeddings, and the loss."""
    torch.set_num_threads(1)
    function = contender(loss, name)
    generator = torch.Generator().manual_seed(0)
    function(torch.randn(64, DIM, generator=generator, requires_grad=True)).backward()
    embeddings = torch.randn(rows, DIM, generator=generator, requires_grad=True)
    # The imports' own peak would hide what comes: the mark is set back to what is held now.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_bytes()
    value = function(embeddings)
    value.backward()
    assert embeddings.grad.isfinite().all()
    print(json.dumps({"peak_bytes": peak_bytes() - before, "loss": value.item()}))


def measured(loss, name, rows):
    command = [sys.executable, "-m", "benchmarks.losses.memory", "--point", loss, name, str(rows)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output)


def exponent(points):
    """The slope of log(peak) over log(rows)."""
    rows, peaks = zip(*points, strict=True)
    return float(np.polyfit(np.log(rows), np.log(peaks), 1)[0])


def run(most_rows: int) -> list[Row]:
    sizes = [FEWEST_ROWS * 2**step for step in range(int(math.log2(most_rows / FEWEST_ROWS)) + 1)]
    table = []
    for loss in OURS:
        values: dict[int, float] = {}
        for name in ("singerprint", "plain torch"):
            fits = [rows for rows in sizes if 4 * PLAIN_MATRICES * rows**2 <= PLAIN_LIMIT_BYTES]
            points = {rows: measured(loss, name, rows) for rows in (sizes if name == "singerprint" else fits)}
            slope = exponent([(rows, facts["peak_bytes"]) for rows, facts in points.items()])
            for rows, facts in points.items():
                # The plain expression is float32 throughout, over up to 8,192 rows.
                assert math.isclose(facts["loss"], values.setdefault(rows, facts["loss"]), rel_tol=1e-5)
                table.append(
                    {
                        "case": f"{loss} {rows:,} x {DIM}",
                        "contender": name,
                        "rows": rows,
                        "peak_mb": facts["peak_bytes"] / 1e6,
                        "bytes_per_row": facts["peak_bytes"] / rows,
                        "exponent": slope,
                    }
                )
    return table


def main():
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--most-rows", type=int, default=65_536)
    parser.add_argument(
        "--out", type=Path, default=None, help="the figures, in place of results/loss_memory.json"
    )
    parser.add_argument("--point", nargs=3, default=None, help="one measurement: loss, contender, rows")
    arguments = parser.parse_args()
    if arguments.point is not None:
        loss, name, rows = arguments.point
        point(loss, name, int(rows))
        return 0
    rows = run(arguments.most_rows)
    report("loss_memory", rows, arguments.out)
    ours = [row["exponent"] for row in rows if row["contender"] == "singerprint"]
    return int(max(ours) > MOST_EXPONENT)


if __name__ == "__main__":
    sys.exit(main())
