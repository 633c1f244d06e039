"""A project with a small tagged notebook, and the command as users call it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner, Result

Cells = list[tuple[str, list[str]]]

CELLS: Cells = [
    ("# Churn", []),
    ("n = 3", ["parameters"]),
    ("def double(x):\n    return 2 * x", ["shared"]),
    ("xs = list(range(n))", ["step:load"]),
    ("total = double(sum(xs))\ntotal", ["step:train"]),
    ("assert total >= 0", ["check:train"]),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the current folder."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CELLMILL_TRACEBACK", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def write_notebook(project: Path) -> Callable[..., Path]:
    """Write notebooks/churn.ipynb with the given cells: source and tags; markdown if it begins with #-space."""

    def write(cells: Cells = CELLS, name: str = "churn") -> Path:
        notebook = nbformat.v4.new_notebook()
        for number, (source, tags) in enumerate(cells):
            new = nbformat.v4.new_markdown_cell if source.startswith("# ") else nbformat.v4.new_code_cell
            notebook.cells.append(new(source, id=f"cell{number}", metadata={"tags": tags} if tags else {}))
        path = project / "notebooks" / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def cellmill() -> Callable[..., Result]:
    """Call the command in this process."""

    def call(*arguments: str, **options: Any) -> Result:
        from cellmill.cli import main

        return CliRunner().invoke(main, list(arguments), catch_exceptions=False, **options)

    return call


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the installed command in a process of its own."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("cellmill")
        return subprocess.run(
            [str(program), *arguments], capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
        )

    return call
