# The words a contributor needs. Each makes what it lacks: `make demo` and `make test` start from a bare checkout with
# Python >= 3.10, g++, make and the packages of the README's apt line, and work in their own virtual environment, .venv.
SYSTEM_PYTHON ?= python3
BIN = .venv/bin
PYTHON = $(BIN)/python
DATA ?=
OUT ?= runs/demo
SINGERPRINT_CUDA ?= AUTO
BUILD = build/test
PROCESSES = $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? cores : 4)))
INSTALL = $(PYTHON) -m pip install --disable-pip-version-check -q -c constraints.txt --no-build-isolation

.PHONY: help demo test bench dev check format notebooks clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

demo: .venv/tools  ## the main job: train on singing, measure, write runs/demo/report.html (DATA=folder for real recordings)
	$(INSTALL) . -Ccmake.define.SINGERPRINT_CUDA=$(SINGERPRINT_CUDA)
	$(BIN)/singerprint demo $(if $(DATA),--data $(DATA)) --out $(OUT)

# One thread a process and a process a core, no more than 4: each holds a PyTorch.
test: dev  ## build, GoogleTest, pytest
	$(BIN)/ctest --test-dir $(BUILD) --output-on-failure --parallel $(PROCESSES)
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses=$(PROCESSES) --dist=worksteal

dev: .venv/tools  ## build in place with the C++ tests, and install what the tests need
	$(INSTALL) -e ".[test]" -Cbuild-dir=$(BUILD) -Ccmake.define.SINGERPRINT_TESTS=ON \
	  -Ccmake.define.SINGERPRINT_CUDA=$(SINGERPRINT_CUDA)

bench: .venv/tools  ## the benchmarks' table; figures in benchmarks/results
	$(INSTALL) -e ".[test,benchmark]" -Cbuild-dir=$(BUILD) -Ccmake.define.SINGERPRINT_TESTS=ON
	$(PYTHON) -m benchmarks.run

check: dev  ## linters and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

format: dev  ## format Python and C++
	$(PYTHON) -m ruff format .
	$(BIN)/clang-format -i $$(git ls-files 'csrc/*.h' 'csrc/*.cpp' 'csrc/*.cu' 'csrc/*.cuh' 'tests/cpp/*.h' 'tests/cpp/*.cpp')

notebooks: dev  ## execute the notebooks in place
	$(PYTHON) -m jupyter execute --inplace notebooks/*.ipynb

clean:  ## remove builds and the virtual environment, keep runs
	rm -rf build .venv

# PyTorch and the build tools come first: the package is compiled against the PyTorch that it will run with. setuptools is
# for a part of lightly that is published as source alone: virtual environments have an old one, or, from 3.12 on, none.
.venv/tools: constraints.txt
	test -x $(PYTHON) || $(SYSTEM_PYTHON) -m venv .venv
	$(PYTHON) -m pip install -q --upgrade pip
	$(PYTHON) -m pip install -q -c constraints.txt torch numpy scikit-build-core cmake ninja setuptools
	touch $@
