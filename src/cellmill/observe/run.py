"""``cellmill observe``: runs the notebook once and keeps what was seen at the border of each step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cellmill.dataflow import ordered_steps
from cellmill.dataflow.evidence import Evidence
from cellmill.errors import CellmillError
from cellmill.notebook import read_notebook, read_steps
from cellmill.notebook.cells import Notebook
from cellmill.observe.execute import NUMBER, run_cells, untracked
from cellmill.observe.looks import looks_at_parts
from cellmill.observe.record import Part, parts_of, read_evidence, write_record


@dataclass(frozen=True)
class Observation:
    """What was observed, where the record is, and the seconds that it took."""

    evidence: Evidence
    record: Path
    seconds: float


def observe(path: Path) -> Observation:
    """Run a notebook's promoted cells in a fresh kernel and record every name at each step's end.

    Parameters
    ----------
    path
        The notebook. The record goes to ``.cellmill/observed`` of its project; the notebook is not written.

    Raises
    ------
    CellmillError
        If the notebook has no steps or can't be read, or a cell fails.
    """
    began = time.monotonic()
    notebook = read_notebook(Path(path))
    steps, findings = read_steps(notebook)
    wrong = next((one for one in findings if one.severity == "error"), None)
    if wrong is not None:
        raise CellmillError(
            wrong.message, notebook=notebook.path, cell=wrong.cell, line=wrong.line, remedy=wrong.remedy
        )
    ordered = ordered_steps(steps)
    with TemporaryDirectory(prefix="cellmill-observe-") as scratch:
        moments = _moments(notebook, parts_of(ordered), Path(scratch))
    record = write_record(notebook, moments)
    evidence = read_evidence(ordered)
    assert evidence is not None, "it was written just now"
    return Observation(evidence, record, time.monotonic() - began)


def _moments(notebook: Notebook, parts: list[Part], scratch: Path) -> list[dict[str, Any]]:
    """Run the parts in order; give what was seen after each."""
    from nbformat import v4

    make: Any = v4  # published without types
    node = make.new_notebook(
        cells=[
            # Papermill marks the cells that it runs.
            make.new_code_cell(
                one.body.replace("\r\n", "\n").lstrip("\n"),  # other cell magics must stand first
                metadata={NUMBER: one.cell.number, "tags": list(one.cell.tags), "papermill": {}},
            )
            for _, cells in parts
            for one in cells
        ],
        metadata={"papermill": {}},
    )
    looks = looks_at_parts(parts, notebook.path.parent, scratch / "seen.jsonl")
    ran, failure = run_cells(notebook, node, untracked(scratch), looks.beside)
    if failure is not None:
        raise CellmillError(
            f"the notebook fails: {failure.name}: {failure.value}",
            notebook=notebook.path,
            cell=None if failure.index is None else ran.cells[failure.index].metadata[NUMBER],
            remedy="mend the cell; observing runs the tagged cells alone, in the pipeline's order",
        )
    moments = looks.moments()
    if moments is None:
        raise CellmillError(
            "the variables could not be looked at after each step",
            notebook=notebook.path,
            remedy="see whether a cell takes Python's own functions or modules away, such as open or json",
        )
    return moments
