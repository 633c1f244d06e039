"""Tells ``pytest --nbval`` what not to compare in this folder's notebooks, so that no option is needed."""

import os
import re
from functools import partial
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
# What MLflow says of its store and its runs, each time with another time or address.
TRACKING = re.compile(r"(?m)^(?:[\d/]+ [\d:]+ (?:INFO|WARNING) mlflow\.|🏃 View run |🧪 View experiment ).*\n?")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Set up the comparison of each notebook's cells; called by pytest."""
    notebook = item.parent
    if not hasattr(notebook, "sanitize_patterns"):
        return  # not a cell of a notebook
    item.compare_outputs = partial(compare_outputs, item.compare_outputs)
    if not notebook.sanitize_patterns:
        from nbval.plugin import get_sanitize_patterns

        # Those of learned.cfg come last: they were learned from what nbval.cfg left.
        for path in (HERE / "nbval.cfg", HERE / "learned.cfg"):
            if path.exists():
                notebook.sanitize_patterns.update(get_sanitize_patterns(path.read_text(encoding="utf-8")))
        notebook.skip_compare += FIGURES
    step = Path(notebook.path).stem
    changed = REFERENCE["changed_parameters"](step)
    if changed:
        used = f"{step} or a task before it uses: the saved outputs are of other values"
        reason = f"env.test.yaml changes {', '.join(changed)}, which {used}"
        item.add_marker(pytest.mark.skip(reason=reason))


def compare_outputs(compare, shown: list, expected: list, *options) -> bool:
    """Compare what a cell shows with what it should, without MLflow's words."""
    for output in (*shown, *expected):
        if output["output_type"] == "stream":
            output["text"] = TRACKING.sub("", output["text"])
    sides = [[output for output in side if output.get("text") != ""] for side in (shown, expected)]
    return compare(*sides, *options)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Name the notebooks that will run; called by pytest."""
    notebooks = [item.path for item in session.items if item.path.parent == HERE and item.path.suffix == ".ipynb"]
    os.environ[REFERENCE["SESSION"]] = " ".join(dict.fromkeys(path.stem for path in notebooks))
