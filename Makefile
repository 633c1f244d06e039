# Everyday commands; `make help` lists them. A machine needs Python 3.11 or newer, the rest goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BUILDER := $(BIN)/jupyter-builder
AIRFLOW := $(VENV)/airflow
LAB := src/cellmill/labextension/package.json
LINKED := $(VENV)/share/jupyter/labextensions/cellmill

# Bytecode is what makes the second start of a command fast; some build machines turn it off.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-airflow test-extension lint format docs setup extension clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup ## Turn an example notebook into a pipeline, run it, verify it, test it
	@$(BIN)/python scripts/demo.py

test: lint test-extension ## Everything that CI checks: style, types, layers, tests
	@# Once for all the processes that tests start; pytest's own form of it is written where that is forbidden, too.
	@$(BIN)/python -m compileall -q src tests
	@# More than the two cores that CI has: tests wait for processes of their own.
	@echo "==> pytest, on three processes"
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadscope

test-airflow: setup $(AIRFLOW)/.ready ## Run what `cellmill export airflow` writes under a real Airflow
	@echo "==> pytest, tests/airflow"
	@$(BIN)/python -m pytest tests/airflow

lint: setup ## Style, format, types and the order of the layers
	@echo "==> ruff"
	@$(BIN)/ruff check --quiet --output-format concise
	@$(BIN)/ruff format --check --output-format concise || { echo "make format mends these files."; exit 1; }
	@echo "==> mypy"
	@$(BIN)/mypy
	@echo "==> import-linter"
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## Let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format

docs: $(READY) ## Write the pages that come from the code
	@$(BIN)/python scripts/findings_page.py

setup: $(READY) $(LAB) ## Make .venv, or bring it up to date with pyproject.toml and extension/

extension: $(LAB) ## Build the JupyterLab extension; a Lab that runs shows it after a reload

test-extension: setup ## Style, types and models of the JupyterLab extension
	@echo "==> eslint, prettier and jest, in extension/"
	@cd extension && npm run --silent lint && npm test --silent

$(BUILDER):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cellmill needs Python 3.11 or newer, and $(PYTHON) is older; name another one: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || { echo "==> Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check jupyter-builder

# npm takes exactly what the lock file names, and runs no script of a package.
$(LAB): $(shell find extension/src extension/style extension/schema -type f) extension/package-lock.json | $(BUILDER)
	@command -v npm >/dev/null || { echo "The JupyterLab extension needs Node 20 or newer to be built, and there is no npm."; exit 1; }
	@echo "==> Building the JupyterLab extension (half a minute, the first time)"
	@cd extension && { test node_modules/.package-lock.json -nt package-lock.json || npm ci --silent --ignore-scripts; }
	@cd extension && PATH="$(abspath $(BIN)):$$PATH" npm run --silent build:prod >build.log 2>&1 || { cat build.log; exit 1; }

# An editable install holds copies of jupyter-config/, so that a change there asks for a new one; of the extension it
# shall hold a link.
$(READY): pyproject.toml $(wildcard jupyter-config/*.json) | $(LAB)
	@rm -rf $(LINKED)
	@echo "==> Installing cellmill and what it needs into $(VENV) (one to three minutes, the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev,dask,s3,examples]'
	@rm -rf $(LINKED) && ln -s $(abspath src/cellmill/labextension) $(LINKED)
	@touch $@

# In an environment of its own: Airflow pins many libraries. The export is for any machine; this one sends nothing home.
$(AIRFLOW)/.ready: tests/airflow/requirements.txt
	@echo "==> Installing Airflow into $(AIRFLOW) (half a minute)"
	@$(PYTHON) -m venv $(AIRFLOW)
	@$(AIRFLOW)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --requirement $<
	@touch $@

clean: ## Remove .venv and everything that tools and runs have left
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .cellmill
	rm -rf extension/node_modules extension/lib extension/*.tsbuildinfo extension/build.log src/cellmill/labextension
	rm -rf mlflow.db* mlartifacts mlruns pipelines/*/output
	find . -name __pycache__ -type d -not -path './node_modules/*' -prune -exec rm -rf {} +
