"""An ordinary notebook as a pipeline of one task, so that it is run, recorded and followed like any other.

The folder is made below the project's ``.cellmill/notebooks`` from the notebook as it stands; the notebook itself is
not touched. Its cells keep their ids, so that a failure leads to the cell in the notebook.
"""

from __future__ import annotations

import json
import os
import re
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml

from cellmill.errors import CellmillError, shown
from cellmill.files import write_bytes
from cellmill.notebook import project_root, read_notebook, read_steps
from cellmill.promote.env_values import encode, env_key
from cellmill.promote.parameters import read_parameters
from cellmill.schedule.settings import ScheduleSettings


def notebook_pipeline(folder: Path, settings: ScheduleSettings) -> Path:
    """Make the pipeline of a schedule's notebook, or bring it up to date.

    Parameters
    ----------
    folder
        The folder whose cellmill.yaml names the notebook.

    Returns
    -------
    Path
        The pipeline's folder.

    Raises
    ------
    CellmillError
        If the notebook is not there, can't be read, or the folder can't be written.
    """
    assert settings.notebook is not None
    if (folder / "pipeline.yaml").is_file():
        raise CellmillError(
            f"schedule.{settings.name}.notebook: the schedules of a pipeline's folder run the pipeline",
            notebook=folder / "cellmill.yaml",
            remedy="take the key away, or write the schedule into a cellmill.yaml that lies beside no pipeline.yaml",
        )
    notebook = Path(os.path.normpath(folder / settings.notebook))
    found = read_notebook(notebook)
    parameters = read_parameters(read_steps(found)[0])
    root = project_root(folder)
    inside = notebook.relative_to(root) if notebook.is_relative_to(root) else notebook
    # Each schedule has its own: two schedules of one notebook may run at once.
    mark = blake2b(f"{inside}\0{folder}\0{settings.name}".encode(), digest_size=4).hexdigest()
    made = root / ".cellmill" / "notebooks" / mark / notebook.stem
    step = re.sub(r"\W+", "_", notebook.stem).strip("_") or "notebook"
    task: dict[str, Any] = {
        "source": f"{step}.ipynb",
        "name": step,
        "product": {"nb": f"{{{{here}}}}/output/{step}.ipynb", "report": f"{{{{here}}}}/output/{step}.html"},
        "nb_product_key": ["nb", "report"],
        "static_analysis": "disable",
        "executor_params": {"cwd": "{{workdir}}", "progress_bar": False, "log_output": False},
    }
    if parameters:
        task["params"] = {one.name: f"{{{{{env_key(one.name)}}}}}" for one in parameters}
    provenance = {
        "pipeline": notebook.stem,
        "notebook": os.path.relpath(notebook, made),
        "cells": {
            cell.id: {"number": cell.number, "file": f"{step}.ipynb", "line": 1} for cell in found.cells if cell.id
        },
    }
    env = {"workdir": str(notebook.parent), **{env_key(one.name): encode(one.default) for one in parameters}}
    settings_file = {
        "notebook": os.path.relpath(notebook, made),
        "experiment": notebook.stem,
        "parameters": {one.name: one.as_settings() for one in parameters},
    }
    spec = {"meta": {"extract_upstream": False}, "tasks": [task]}
    for name, content in (("pipeline.yaml", spec), ("env.yaml", env), ("cellmill.yaml", settings_file)):
        head = f"# Made by cellmill for the schedule {settings.name} of {inside}.\n"
        _write(made / name, head + yaml.safe_dump(content, sort_keys=False))
    _write(made / ".promotion.json", json.dumps(provenance))
    _write(made / f"{step}.ipynb", _source(notebook))
    return made


def _source(notebook: Path) -> str:
    """The notebook with its cells' ids where a run finds them, and a cell that takes Ploomber's values."""
    import nbformat

    try:
        content = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call] # nbformat is untyped
    except Exception as error:
        raise CellmillError(f"can't be read ({error})", notebook=shown(notebook)) from None
    for cell in content.cells:
        if cell.get("id"):
            cell.metadata["cell"] = cell.id
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    tagged = [cell for cell in content.cells if "parameters" in cell.metadata.get("tags", ())]
    if not tagged:
        empty = nbformat.v4.new_code_cell("", id="parameters", metadata={"tags": ["parameters"]})  # type: ignore[no-untyped-call]
        content.cells.insert(0, empty)
        content.nbformat_minor = max(5, content.nbformat_minor)
    return str(nbformat.writes(content))  # type: ignore[no-untyped-call]


def _write(path: Path, text: str) -> None:
    """Write what changed only: a run takes a file's time for a change."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_bytes(path, text.encode())
