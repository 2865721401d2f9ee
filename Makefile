# make help lists the targets. The environment is made when it is not there, or when the dependencies changed.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2
# one thread a process: with two processes on two cores a second thread only waits; files keep to one process
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format bench docs clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# torch first and by its exact version: pip then takes the build that its own configuration offers for this machine
$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip check
	@touch $@

demo: $(VENV)/.ready ## write the phantom, train on it, score held-out patients, print where the report is
	$(BIN)/python train.py

test: $(VENV)/.ready ## everything but the slow tests
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.ready ## every test
	$(PYTEST)

check: $(VENV)/.ready ## style, types, import rule, dependency list
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(VENV)/.ready ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready ## measure against peers and write docs/benchmarks.md
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready ## build docs/ as a site under build/site; broken links fail
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean: ## remove the environment and caches; data/ and runs/ stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
