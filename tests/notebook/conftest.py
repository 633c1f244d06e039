"""Notebooks written as files, so that tests read what users have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellmill.findings import Finding
from cellmill.notebook import read_notebook, read_steps
from cellmill.notebook.cells import Notebook
from cellmill.notebook.steps import Steps

# A source, or a source and its tags; markdown cells begin with "md:", raw ones with "raw:".
CellText = str | tuple[str, ...]


def cell_json(text: CellText, number: int) -> dict[str, Any]:
    source, *tags = (text,) if isinstance(text, str) else text
    prefix, colon, rest = source.partition(":")
    kind = {"md": "markdown", "raw": "raw"}.get(prefix, "code") if colon else "code"
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
    if tags:
        cell["metadata"]["tags"] = tags
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    else:
        cell["source"] = rest
    return cell


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook of cell texts and give its path."""

    def writing(*cells: CellText, metadata: dict[str, Any] | None = None, name: str = "churn.ipynb") -> Path:
        document = {
            "cells": [cell_json(text, number) for number, text in enumerate(cells, start=1)],
            "metadata": metadata or {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = tmp_path / name
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        return path

    return writing


@pytest.fixture
def notebook(write: Callable[..., Path]) -> Callable[..., Notebook]:
    """A notebook of cell texts, read."""
    return lambda *cells, **options: read_notebook(write(*cells, **options))


@pytest.fixture
def steps(notebook: Callable[..., Notebook]) -> Callable[..., tuple[Steps, tuple[Finding, ...]]]:
    """The steps and findings of cell texts."""
    return lambda *cells, **options: read_steps(notebook(*cells, **options))
