# Two commands do everything on a fresh machine: `make train` and `make test`.

PYTHON ?= python3
ARGS ?=
LOGDIR ?= runs

BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLING := .venv/.installing

.DEFAULT_GOAL := help
.PHONY: help setup train board test check format pictures docs clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED)  ## create .venv with the pinned packages (the others do it by themselves)
	@:

train: setup  ## train H-JEPA on handwritten digits (ARGS="key=value ..." overrides the config)
	@$(BIN)/sightline train hjepa --config configs/hjepa/digits.yaml $(ARGS)

board: setup  ## open TensorBoard on what was trained (LOGDIR=runs)
	@$(BIN)/sightline board $(LOGDIR) $(ARGS)

test: setup  ## run the test suite (ARGS="-k torn_tail" selects)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: setup  ## format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_layers.py

format: setup  ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

pictures: setup  ## draw the pictures of docs/concepts anew, from short trainings
	@OMP_NUM_THREADS=1 $(BIN)/python docs/pictures $(ARGS)

docs: setup  ## write docs/tags.md anew from the catalogue
	@$(BIN)/python -m sightline.catalogue > docs/tags.md.new && mv docs/tags.md.new docs/tags.md

clean:  ## remove .venv and the caches; runs/ stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist tests/artifacts

# An install that was cut short leaves $(INSTALLING) behind; the next one starts from an empty .venv.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Sightline needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo not there): name another one, as in 'make PYTHON=python3.12 $(or $(MAKECMDGOALS),setup)'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot create a virtual environment with pip: install its venv package, on Debian and Ubuntu with 'apt-get install python3-venv'." >&2; exit 1; }
	@echo "Installing the pinned packages into .venv (once; one to five minutes) ..."
	@if [ -e $(INSTALLING) ]; then rm -rf .venv; fi
	@mkdir -p .venv && touch $(INSTALLING)
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@rm $(INSTALLING) && touch $@
