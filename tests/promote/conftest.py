"""Projects with notebooks to promote, and tasks that hand variables over in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cellmill.promote import make_plan, write_plan

# One cell: its tag (or tags), its source, and what it shows if that matters.
Cell = tuple[str | list[str], str]


def write_notebook(path: Path, cells: Sequence[Cell], **metadata: Any) -> Path:
    """Write a notebook; a cell without tags whose source begins with ``# `` is markdown."""
    notebook = nbformat.v4.new_notebook(metadata=metadata)
    for number, (tags, source) in enumerate(cells):
        tags = [tags] if isinstance(tags, str) else tags
        new = nbformat.v4.new_markdown_cell if source.startswith("# ") and tags == [""] else nbformat.v4.new_code_cell
        kept = [tag for tag in tags if tag]
        notebook.cells.append(new(source, id=f"cell{number}", metadata={"tags": kept} if kept else {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture(name="write_notebook")
def write_notebook_fixture() -> Callable[..., Path]:
    return write_notebook


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project, by its real path."""
    root = (tmp_path / "project").resolve()
    root.mkdir()
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    return root


@pytest.fixture
def files_of() -> Callable[[Path], dict[str, bytes]]:
    """Read all files below a folder, by their relative path."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    return read


def tasks_of(names: str, *sources: str) -> dict[str, tuple[str, list[str]]]:
    """Name a case's tasks: each saves the names that the case lists, the last one nothing."""
    *givers, taker = [textwrap.dedent(source) for source in sources]
    return {f"task{number}": (source, names.split()) for number, source in enumerate(givers)} | {"last": (taker, [])}


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each of the module's CASES, with its SHARED cell."""
    root = tmp_path_factory.mktemp("handed-over")
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    shared = getattr(request.module, "SHARED", "")
    cells: list[Cell] = [("shared", shared)] if shared else []
    plan = make_plan(write_notebook(root / "demo.ipynb", [*cells, ("step:load", "x = 1")]))
    write_plan(plan)
    asked = {
        "module": str(plan.folder / "demo_handover.py"),
        "output": str(plan.folder / "output"),
        "imports": getattr(request.module, "IMPORTS", []),
        "cases": {name: {"tasks": tasks_of(*case)} for name, case in request.module.CASES.items()},
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hand_over.py"))],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))
