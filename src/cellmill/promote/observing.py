"""What verification's run of the notebook shows beside: the observed evidence, and where it contradicts the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cellmill.dataflow import Dataflow, StepFlow, ordered_steps
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


def keep_what_was_seen(looks: Looks | None, notebook: Notebook) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Write the record of a run, as `observe` does; return what the run contradicts, and what a reader has to know.

    Raises
    ------
    CellmillError
        If the project's folder can't be written to.
    """
    moments = looks.moments() if looks is not None else None
    if moments is None:
        return (), ()
    before = read_cells(notebook)[1]
    write_record(notebook, moments)
    _, now, findings = read_cells(notebook)
    same = _handed_over(now) == _handed_over(before)
    if same or any(one.severity == "error" for one in findings):
        return told_by_a_run(findings), ()
    note = "What the run showed changes the pipeline: `cellmill promote` brings it up to date."
    return told_by_a_run(findings), (note,)


def _handed_over(flows: Dataflow) -> list[StepFlow]:
    """What promotion writes of the steps: all but what each does inside."""
    return [replace(one, reads=(), binds=(), mutates=()) for one in flows.steps]


def told_by_a_run(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of a notebook's findings that say where its source and a run of it differ."""
    return tuple(one for one in findings if one.kind in _KINDS)
