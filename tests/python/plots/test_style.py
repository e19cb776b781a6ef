"""What every figure keeps to."""

import subprocess
import sys


def test_figures_are_drawn_without_pyplot_and_leave_no_global_setting():
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy()\n"
        "from singerprint.plots import score_histogram\n"
        "score_histogram([0.9], [0.1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert matplotlib.rcParams.copy() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
