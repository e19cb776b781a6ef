"""The examples in the docstrings of singerprint.plots run, and no figure touches pyplot."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import singerprint.plots


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(singerprint.plots.__path__)])
def test_examples_run(name):
    module = importlib.import_module(f"singerprint.plots.{name}")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_figures_are_drawn_without_pyplot_and_leave_no_global_setting():
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy()\n"
        "from singerprint.plots import score_histogram\n"
        "score_histogram([0.9], [0.1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert matplotlib.rcParams.copy() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
