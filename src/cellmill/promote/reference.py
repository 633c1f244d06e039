"""Makes the files of a pipeline's ``tests/``: nbval reference notebooks, and pytest for the shared module."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Drawings that carry dates, random ids or a machine's last digits, beside the pictures that nbval leaves out itself.
FIGURES = (
    "image/svg+xml",
    "application/pdf",
    "application/javascript",
    "application/vnd.plotly.v1+json",
    "application/vnd.bokehjs_load.v0+json",
    "application/vnd.bokehjs_exec.v0+json",
)
# What MLflow says of its store and its runs, each time with another time or address.
TRACKING = r"(?m)^(?:[\d/]+ [\d:]+ (?:INFO|WARNING) mlflow\.|🏃 View run |🧪 View experiment ).*\n?"
# Tags by which the author says what nbval is to do with a cell's outputs.
CHECKED = frozenset({"nbval-check-output", "nbval-ignore-output", "nbval-skip"})


@dataclass(frozen=True)
class ReferenceCell:
    """One cell of a task with what the notebook says that it shows.

    Attributes
    ----------
    cell_id
        The source cell's id, as in the task's ``cell`` metadata.
    source
        The cell's text as it stands in the task.
    tags
        The source cell's tags; nbval's own (``nbval-ignore-output``, ``nbval-skip``, ``raises-exception`` ...) count.
    outputs
        The outputs saved in the notebook, as in nbformat.
    execution_count
        The saved count; ``None`` together with no outputs means that nobody knows what the cell shows.
    """

    cell_id: str
    source: str
    tags: tuple[str, ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    execution_count: int | None = None


@dataclass(frozen=True)
class ReferenceTask:
    """One task: its name, the tasks it takes from, and its cells (checks included) in the task's order."""

    name: str
    upstream: tuple[str, ...]
    cells: tuple[ReferenceCell, ...]


def reference_files(
    name: str,
    tasks: Sequence[ReferenceTask],
    shared_names: Sequence[str] | None,
    *,
    kernel: str = "python3",
) -> dict[str, bytes]:
    """Make every file below ``tests/`` of a pipeline folder.

    Parameters
    ----------
    name
        The pipeline's name; its modules are ``NAME_shared.py`` and ``NAME_handover.py``.
    tasks
        The pipeline's tasks in notebook order.
    shared_names
        Functions and classes that the shared module defines; ``None`` if the pipeline has no shared module.
    kernel
        The kernelspec that the reference notebooks name.

    Returns
    -------
    dict
        Relative POSIX path (``tests/load.ipynb``) to content. Equal arguments give equal bytes.
    """
    files = {f"tests/{task.name}.ipynb": _notebook(name, task, kernel) for task in tasks}
    files["tests/reference.py"] = _template("reference.py").encode()
    files["tests/nbval.cfg"] = _template("nbval.cfg").encode()
    conftest = _template("conftest.py").replace("@FIGURES@", _literal(FIGURES)).replace("@TRACKING@", TRACKING)
    files["tests/conftest.py"] = conftest.encode()
    if shared_names is not None:
        test = _template("test_shared.py").replace("@NAME@", name).replace("@DEFINED@", _literal(shared_names))
        files[f"tests/test_{name}_shared.py"] = test.encode()
    return dict(sorted(files.items()))


def usual_patterns() -> str:
    """Return the sanitizing that every promoted pipeline begins with, in nbval's format."""
    return _template("nbval.cfg")


def _template(name: str) -> str:
    return (Path(__file__).parent / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def _literal(names: Sequence[str]) -> str:
    """Write a tuple of strings as a formatter would: one a line when it is long."""
    line = f"({', '.join(json.dumps(name) for name in names)}{',' if len(names) == 1 else ''})"
    if len(line) <= 100:
        return line
    return "(\n" + "".join(f"    {json.dumps(name)},\n" for name in names) + ")"


def _notebook(pipeline: str, task: ReferenceTask, kernel: str) -> bytes:
    cells = [_heading(pipeline, task), _set_up(task)]
    cells += [_reference_cell(task.name, cell, count) for count, cell in enumerate(task.cells, start=2)]
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": kernel},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    # Half a character in an output is written as JSON's own escape for it, which is Python's too.
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(errors="backslashreplace")


def _heading(pipeline: str, task: ReferenceTask) -> dict[str, Any]:
    text = (
        f"# What task `{task.name}` of pipeline `{pipeline}` shows\n\n"
        "The outputs below are those of the notebook. `pytest --nbval` runs each cell as it stands in "
        f"`tasks/{task.name}.py` now and compares what it shows. Change the outputs by promoting the notebook again."
    )
    return {"cell_type": "markdown", "id": "heading", "metadata": {}, "source": _lines(text)}


def _set_up(task: ReferenceTask) -> dict[str, Any]:
    first = f"after {', '.join(task.upstream)} " if task.upstream else ""
    text = (
        f"# Makes this kernel what task {task.name} finds {first}in the pipeline (see reference.py).\n"
        "from runpy import run_path\n\n"
        f'run_path("reference.py")["begin"]("{task.name}")'
    )
    return _code_cell("set-up", text, tags=("nbval-ignore-output",), count=1)


def _reference_cell(task: str, cell: ReferenceCell, count: int) -> dict[str, Any]:
    # The kernel is told only a cell's text, so what it stands for must be in the text.
    text = f"# tasks/{task}.py, cell {cell.cell_id}\n{cell.source}"
    tags = cell.tags
    said = CHECKED.intersection(tags) or "NBVAL_" in cell.source
    if cell.execution_count is None and not cell.outputs and not said:
        tags = (*tags, "nbval-ignore-output")
    # nbval takes a count for the sign that outputs are known; tools that strip counts leave outputs without one.
    return _code_cell(cell.cell_id, text, tags=tags, outputs=cell.outputs, count=count)


def _code_cell(
    cell_id: str, source: str, *, tags: Sequence[str], count: int, outputs: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": cell_id,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [_output(output, count) for output in outputs],
        "source": _lines(source),
    }


def _output(output: dict[str, Any], count: int) -> dict[str, Any]:
    """Write an output as nbformat does, its texts in lines, so that changes of it read well in git."""
    written = dict(output)
    if "execution_count" in written:
        written["execution_count"] = count
    if isinstance(written.get("text"), str):
        written["text"] = _lines(written["text"])
    if "data" in written:
        written["data"] = {
            kind: _lines(value) if isinstance(value, str) else value for kind, value in written["data"].items()
        }
    return written


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
