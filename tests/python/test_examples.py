"""The examples in the docstrings run and print what they say, and no public function lacks one."""

import doctest
import importlib
import inspect
import pkgutil
import re
import typing

import numpy as np
import pytest
import soundfile

import singerprint as sp

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(sp.__path__, "singerprint.")
    if not module.name.endswith(("._C", ".__main__"))  # native, and the command itself
)
PACKAGES = (
    "augment",
    "baselines",
    "data",
    "data.synthetic",
    "distributed",
    "evaluation",
    "frontend",
    "losses",
    "models",
    "plots",
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """The folder that the examples are read in: ``song.flac``, 40 s, and ``dataset``, two singers."""
    folder = tmp_path_factory.mktemp("examples")
    tone = 0.1 * np.sin(2 * np.pi * 220 / 44_100 * np.arange(40 * 44_100))
    soundfile.write(folder / "song.flac", tone, 44_100)
    for name in ("anna/live/000.wav", "ben/000.flac"):
        path = folder / "dataset" / name
        path.parent.mkdir(parents=True)
        soundfile.write(path, tone[: 5 * 44_100], 44_100)
    (folder / "dataset/index.csv").write_text("path,song\nanna/live/000.wav,Greensleeves\n")
    return folder


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, recordings, monkeypatch):
    monkeypatch.chdir(recordings)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def public_functions():
    modules = {package: importlib.import_module(f"singerprint.{package}") for package in PACKAGES}
    return [
        f"{package}.{name}"
        for package, module in modules.items()
        for name in module.__all__
        if inspect.isfunction(getattr(module, name))
    ]


@pytest.mark.parametrize("name", public_functions())
def test_every_public_function_tells_its_arguments_result_and_an_example(name):
    package, _, attribute = name.rpartition(".")
    function = getattr(importlib.import_module(f"singerprint.{package}"), attribute)
    text = inspect.getdoc(function)
    assert "\nArgs:\n" in text or not inspect.signature(function).parameters
    assert re.search("\n(Returns|Yields):\n", text) or typing.get_type_hints(function)["return"] is type(None)
    assert "\n    >>> " in text
