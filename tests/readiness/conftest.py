"""Notebooks as files in a project of their own, and what `cellmill check --json` says of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cellmill.cli import main

Checked = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    return tmp_path


@pytest.fixture
def write(project: Path) -> Callable[..., Path]:
    """Write a notebook of (source, tag, more keys of the cell...) and give its path."""

    def writing(*cells: tuple[Any, ...]) -> Path:
        made = []
        for number, (source, tag, *more) in enumerate(cells, start=1):
            cell: dict[str, Any] = {
                "cell_type": "code",
                "id": f"cell{number}",
                "metadata": {"tags": [tag]} if tag else {},
                "source": source,
                "execution_count": None,
                "outputs": [],
            }
            for keys in more:
                cell["metadata"] |= keys.pop("metadata", {})
                cell |= keys
            made.append(cell)
        path = project / "churn.ipynb"
        path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return writing


@pytest.fixture
def check(write: Callable[..., Path]) -> Callable[..., Checked]:
    """Write a notebook and check it."""

    def checking(*cells: tuple[Any, ...]) -> Checked:
        told = CliRunner().invoke(main, ["check", str(write(*cells)), "--json"])
        assert told.exit_code in (0, 1), told.output
        return json.loads(told.stdout)

    return checking


@pytest.fixture
def found(check: Callable[..., Checked]) -> Callable[..., list[tuple[str, int | None, int | None]]]:
    """Kind, cell and line of all findings but those on what a notebook made for a test naturally lacks."""

    def finding(*cells: tuple[Any, ...]) -> list[tuple[str, int | None, int | None]]:
        content = check(*cells)
        return [(one["kind"], one["cell"], one["line"]) for one in content["findings"] if one["kind"] != "no-outputs"]

    return finding
