"""What verification's run of the notebook shows beside: the observed evidence, and where it contradicts the source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cellmill.dataflow import ordered_steps
from cellmill.findings import Finding
from cellmill.notebook import read_steps
from cellmill.notebook.cells import Notebook
from cellmill.observe.looks import Looks, looks_at_whole
from cellmill.observe.record import write_record
from cellmill.promote.plan import read_cells

_KINDS = ("evidence-differs", "unseen-state", "not-kept", "module-state")


def where_to_look(notebook: Notebook, scratch: Path) -> Looks | None:
    """Say where a run of the whole notebook shows what each step does; None if it can't show that."""
    steps, findings = read_steps(notebook)
    if any(one.severity == "error" for one in findings):
        return None
    return looks_at_whole(ordered_steps(steps), scratch / "seen.jsonl")


def keep_what_was_seen(looks: Looks | None, notebook: Notebook) -> tuple[Finding, ...]:
    """Write the record of a run, as `observe` does; return what the run contradicts.

    Raises
    ------
    CellmillError
        If the project's folder can't be written to.
    """
    moments = looks.moments() if looks is not None else None
    if moments is None:
        return ()
    write_record(notebook, moments)
    return told_by_a_run(read_cells(notebook)[2])


def told_by_a_run(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of a notebook's findings that say where its source and a run of it differ."""
    return tuple(one for one in findings if one.kind in _KINDS)
