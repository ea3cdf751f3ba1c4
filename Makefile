# Every target makes its own .venv where there is none. All it takes is Python 3.11 or newer, pip, venv, git and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LATEST := .venv-latest
PIP := -m pip --quiet --disable-pip-version-check --no-input
PYTEST := -m pytest -n auto --maxprocesses 4
DEFAULT := -m "not long"
# Makes a virtual environment where there is none, or where the one that is there is broken.
MAKE_VENV = test -x $(1)/bin/python && $(1)/bin/python -m pip --version >/dev/null 2>&1 || \
	{ $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "nofx needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }; \
	$(PYTHON) -m venv --clear $(1); }

.PHONY: help demo test test-long test-latest check bench reference picture clean

help:
	@echo "make demo         verify this very repository with gates, an approval and a timeline"
	@echo "make test         run the tests"
	@echo "make check        format, lint, types, layers, generated docs"
	@echo "make bench        measure, as ratios"
	@echo "make test-long    run the tests that take long"
	@echo "make test-latest  run the tests with the newest versions of every dependency"
	@echo "make reference    write the generated pages of docs/reference"
	@echo "make picture      draw the live view for the README"
	@echo "make clean        remove what these targets made"

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "preparing $(VENV)"
	@$(call MAKE_VENV,$(VENV))
	@$(BIN)/python $(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@

$(LATEST)/.installed: pyproject.toml
	@echo "preparing $(LATEST)"
	@$(call MAKE_VENV,$(LATEST))
	@$(LATEST)/bin/python $(PIP) install --upgrade -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	@echo '$$ nofx run demo'
	@$(BIN)/nofx run demo --no-wait || test $$? -eq 8
	@echo; echo '$$ nofx approve release'
	@$(BIN)/nofx approve release --note "asked for by make demo"
	@echo; echo '$$ nofx timeline'
	@$(BIN)/nofx timeline
	@echo; echo '$$ nofx verify'
	@$(BIN)/nofx verify

test: $(VENV)/.installed
	$(BIN)/python $(PYTEST) $(DEFAULT)

test-long: $(VENV)/.installed
	$(BIN)/python $(PYTEST) -m long

test-latest: $(LATEST)/.installed
	$(LATEST)/bin/python -m pip list --format freeze --exclude-editable
	$(LATEST)/bin/python $(PYTEST) $(DEFAULT)

check: $(VENV)/.installed
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m pytest --quiet tests/docs

bench: $(VENV)/.installed
	$(BIN)/python tests/benchmarks

reference: $(VENV)/.installed
	$(BIN)/python -m docs.generate

picture: $(VENV)/.installed
	$(BIN)/python docs/make_picture.py

clean:
	rm -rf $(VENV) $(LATEST) build dist .hypothesis .import_linter_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
