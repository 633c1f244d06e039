"""A notebook that runs a task of an earlier run again: what it was given, then its cells as they ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cellmill.errors import shown
from cellmill.run.reproduction import Reproduction
from cellmill.run.source_cells import SourceCell


def reproduction_notebook(found: Reproduction, cells: tuple[SourceCell, ...]) -> bytes:
    """Write the notebook; it needs nothing of cellmill, only the record's files.

    Parameters
    ----------
    found
        The task and what it was given.
    cells
        Where its cells are in the source notebook.
    """
    from nbformat import v4

    make: Any = v4  # published without types
    notebook = make.new_notebook()
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    numbers = {one.cell_id: one.number for one in cells}
    notebook.cells = [
        make.new_markdown_cell(_heading(found), id="about"),
        make.new_code_cell(found.setup, id="inputs", metadata={"tags": ["inputs"]}),
    ]
    failed = found.failed_cell
    for place, one in enumerate(found.ran.own, start=1):
        number = numbers.get(str(one.cell_id))
        metadata: dict[str, Any] = {"cell": one.cell_id} | ({"tags": list(one.tags)} if one.tags else {})
        if failed is not None and one.cell_id == failed.cell_id:
            where = f" It is cell {number} of the notebook." if number is not None else ""
            text = f"**The next cell failed** with `{found.error}`.{where}"
            notebook.cells.append(make.new_markdown_cell(text, id="failed"))
        notebook.cells.append(make.new_code_cell(one.source, id=f"cell-{place}", metadata=metadata))
    if found.failure.get("kind") == "hand-over":
        text = f"**The next cell failed** with `{found.error}`: it hands the variables over."
        notebook.cells.append(make.new_markdown_cell(text, id="failed"))
        notebook.cells.append(make.new_code_cell(found.ran.source("outputs"), id="outputs"))
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _heading(found: Reproduction) -> str:
    pipeline = found.run.pipeline
    of = f" of pipeline {pipeline.name}" if pipeline is not None else ""
    lines = [f"# Step {found.step} in run {found.run.run_id}{of}", ""]
    if found.failure.get("sentence"):
        lines += [str(found.failure["sentence"]), ""]
    lines += ["Run the next cell first: it loads what the step began with. The cells below it are those that ran."]
    return "\n".join([*lines, *(line for note in found.notes for line in ("", note))])


def free_path(folder: Path, found: Reproduction) -> Path:
    """A name in the folder that is not taken."""
    stem = f"reproduce_{found.run.run_id}_{found.step}"
    path, number = folder / f"{stem}.ipynb", 2
    while path.exists():
        path, number = folder / f"{stem}_{number}.ipynb", number + 1
    return path


def opening_words(path: Path) -> str:
    """How to open it."""
    return f"jupyter lab {shown(path)}"
