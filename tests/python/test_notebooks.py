"""The notebooks run from top to bottom, define nothing, and were committed as they ran."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
# "/home/ann" or "C:\", but neither "</div>", "https://host/page", "audio/wav" nor "singer-00/000.wav".
ABSOLUTE_PATH = re.compile(r"(?<![\w.~/<:+-])/[\w.~-]+/[\w.~-]+|\b[A-Za-z]:\\")
MAX_BYTES = 1_500_000

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell):
    """What a cell shows: streams by name, displays by their MIME types."""
    return {
        output.name if output.output_type == "stream" else tuple(sorted(output.get("data", {"error": ""})))
        for output in cell.outputs
    }


def texts(node):
    """Every text of a notebook but encoded pictures and sounds."""
    if isinstance(node, dict):
        for kind, value in node.items():
            if kind != "image/png":
                yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield re.sub(r";base64,[\w+/=\s]+", "", node)


def test_there_are_notebooks():
    assert NOTEBOOKS


@each_notebook
def test_it_runs_and_shows_what_its_stored_outputs_show(path, tmp_path, monkeypatch):
    # Neither the user's startup files and kernels nor a trace of the run in the user's home.
    for variable in ("IPYTHONDIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    # The kernel starts in another folder, where a relative entry would mean something else.
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(Path(entry).resolve()) for entry in entries))
    workplace = tmp_path / "workplace"
    workplace.mkdir()
    # With no kernel registered, jupyter_client's "python3" is ipykernel under this very interpreter.
    kernel = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path)])
    )
    stored, fresh = (nbformat.read(path, as_version=4) for _ in range(2))
    client = NotebookClient(fresh, km=kernel, timeout=600, resources={"metadata": {"path": str(workplace)}})
    client.execute()  # raises CellExecutionError with the cell and its traceback
    assert [kinds(cell) for cell in code_cells(fresh)] == [kinds(cell) for cell in code_cells(stored)]
    assert not list(workplace.iterdir()), "a notebook cleans up after itself"


@each_notebook
def test_it_defines_nothing(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        python = TransformerManager().transform_cell(cell.source)  # magics become calls
        defined = [node for node in ast.walk(ast.parse(python)) if isinstance(node, DEFINITIONS)]
        assert not defined, cell.source


@each_notebook
def test_its_outputs_are_those_of_one_whole_run(path):
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(cell.outputs for cell in cells)
    shown = set().union(*map(kinds, cells))
    assert not shown & {"stderr", ("error",)}, shown


@each_notebook
def test_it_names_no_path_of_the_machine_that_ran_it(path):
    found = [text for text in texts(nbformat.read(path, as_version=4)) if ABSOLUTE_PATH.search(text)]
    assert not found


@each_notebook
def test_it_is_small_enough_for_a_repository(path):
    assert path.stat().st_size < MAX_BYTES
