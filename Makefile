# The words a contributor needs. `make demo` and `make test` need nothing but Python >= 3.10, g++, make and the
# packages of the README's apt line: they make their own virtual environment in .venv.
PYTHON ?= .venv/bin/python
SYSTEM_PYTHON ?= python3
DATA ?=
OUT ?= runs/demo
CMAKE_OPTIONS ?=
JOBS ?= $(shell nproc)
BUILD = build/dev

.PHONY: demo test bench dev check notebooks format clean

demo: .venv/installed  ## the main job: train on singing, measure, write runs/demo/report.html
	.venv/bin/singerprint demo $(if $(DATA),--data $(DATA)) --out $(OUT)

test: .venv/installed-test dev  ## build, GoogleTest, pytest
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	PYTHONPATH=python $(PYTHON) -m pytest

bench: .venv/installed-test dev  ## the benchmarks' table; JSON in benchmarks/results
	PYTHONPATH=python:. $(PYTHON) -m benchmarks.run

dev: $(if $(filter .venv/bin/python,$(PYTHON)),.venv/installed-test)  ## build the native module and its tests in place
	cmake -S . -B $(BUILD) -G Ninja -DPython_EXECUTABLE=$(abspath $(PYTHON)) -DSINGERPRINT_TESTS=ON $(CMAKE_OPTIONS)
	cmake --build $(BUILD) -j $(JOBS)
	cmake --install $(BUILD) --prefix python

check: .venv/installed-test  ## linters and types
	$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check . && $(PYTHON) -m mypy

.venv/bin/python:
	$(SYSTEM_PYTHON) -m venv .venv
	.venv/bin/pip install -q --upgrade pip

.venv/installed: .venv/bin/python constraints.txt pyproject.toml CMakeLists.txt $(shell find csrc cmake -type f)
	.venv/bin/pip install -q -c constraints.txt torch numpy scikit-build-core cmake ninja
	.venv/bin/pip install -c constraints.txt --no-build-isolation .
	touch $@
