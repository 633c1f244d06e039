"""Tells ``pytest --nbval`` what not to compare in this folder's notebooks, so that no option is needed."""

import os
from pathlib import Path
from runpy import run_path

import pytest

HERE = Path(__file__).parent
REFERENCE = run_path(str(HERE / "reference.py"))
# Drawings that carry dates, random ids or the last digits of a machine's arithmetic; nbval leaves out image/png itself.
FIGURES = (
    "image/svg+xml",
    "application/pdf",
    "application/javascript",
    "application/vnd.plotly.v1+json",
    "application/vnd.bokehjs_load.v0+json",
    "application/vnd.bokehjs_exec.v0+json",
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Set up the comparison of each notebook's cells; called by pytest."""
    notebook = item.parent
    if not hasattr(notebook, "sanitize_patterns"):
        return  # not a cell of a notebook
    if not notebook.sanitize_patterns:
        from nbval.plugin import get_sanitize_patterns

        notebook.sanitize_patterns.update(get_sanitize_patterns((HERE / "nbval.cfg").read_text(encoding="utf-8")))
        notebook.skip_compare += FIGURES
    step = Path(notebook.path).stem
    changed = REFERENCE["changed_parameters"](step)
    if changed:
        used = f"{step} or a task before it uses: the saved outputs are of other values"
        reason = f"env.test.yaml changes {', '.join(changed)}, which {used}"
        item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Name the notebooks that will run; called by pytest."""
    notebooks = [item.path for item in session.items if item.path.parent == HERE and item.path.suffix == ".ipynb"]
    os.environ[REFERENCE["SESSION"]] = " ".join(dict.fromkeys(path.stem for path in notebooks))
