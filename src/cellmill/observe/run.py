"""``cellmill observe``: runs the notebook once and keeps what was seen at the border of each step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cellmill.dataflow import ordered_steps
from cellmill.dataflow.evidence import Evidence
from cellmill.errors import CellmillError
from cellmill.notebook import read_notebook, read_steps
from cellmill.observe.execute import run_observed
from cellmill.observe.record import moment, parts_of, read_evidence, write_record


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
    parts = parts_of(ordered)
    seen = run_observed(notebook, parts)
    moments = [moment(cells, facts) for (_, cells), facts in zip(parts, seen, strict=True)]
    record = write_record(notebook, moments, "run")
    evidence = read_evidence(ordered)
    assert evidence is not None, "it was written just now"
    return Observation(evidence, record, time.monotonic() - began)
