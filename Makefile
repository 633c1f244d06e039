# Everyday commands; `make help` lists them. A machine needs Python 3.11 or newer, the rest goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Bytecode is what makes the second start of a command fast; some build machines turn it off.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint format setup clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Turn an example notebook into a pipeline, run it, verify it, test it
	@$(BIN)/python scripts/demo.py

test: lint ## Everything that CI checks: style, types, layers, tests
	@echo "==> pytest, on two processes"
	@$(BIN)/python -m pytest -n 2 --dist loadscope

lint: $(READY) ## Style, format, types and the order of the layers
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

setup: $(READY) ## Make .venv, or bring it up to date with pyproject.toml

# An editable install holds copies of jupyter-config/, so that a change there asks for a new one.
$(READY): pyproject.toml $(wildcard jupyter-config/*.json)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cellmill needs Python 3.11 or newer, and $(PYTHON) is older; name another one: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || { echo "==> Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "==> Installing cellmill and what it needs into $(VENV) (one to three minutes, the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev,examples]'
	@touch $@

clean: ## Remove .venv and everything that tools and runs have left
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .cellmill
	rm -rf mlflow.db* mlartifacts mlruns pipelines/*/output
	find . -name __pycache__ -type d -not -path './node_modules/*' -prune -exec rm -rf {} +
