"""The examples in the docstrings of singerprint.evaluation run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import singerprint.evaluation


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(singerprint.evaluation.__path__)]
)
def test_examples_run(name):
    module = importlib.import_module(f"singerprint.evaluation.{name}")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
