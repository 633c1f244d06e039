"""``%steps`` and ``%readiness``: what the notebook will become, and what stands between."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.display import display

from cellmill.findings import Finding, alike, places
from cellmill.magics.arguments import Usage, parse_arguments
from cellmill.magics.dag import Node, draw
from cellmill.magics.session import Session
from cellmill.magics.tables import Table
from cellmill.magics.told import tells_in_one_line
from cellmill.magics.values import describe_value
from cellmill.notebook import read_steps
from cellmill.notebook.steps import Step, Steps, TaggedCell

if TYPE_CHECKING:
    from cellmill.dataflow import Dataflow

_STEPS = Usage("%steps [NOTEBOOK]", words=1, values=("--notebook",))
_READINESS = Usage("%readiness [NOTEBOOK] [--show-ignored]", words=1, flags=("--show-ignored",), values=("--notebook",))


@magics_class
class ReadingMagics(Magics):
    """Look at the notebook; nothing is written."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    @line_magic
    @tells_in_one_line
    def steps(self, line: str) -> None:
        """Show the steps of this notebook.

            %steps [NOTEBOOK]

        For each step its cells, the steps that it follows, and the variables that it hands over, with their type and
        size where they exist in this kernel. Read from the saved file.
        """
        given = parse_arguments(_STEPS, line)
        notebook, unsaved = self._session.read_notebook(given.word or given.value("--notebook"))
        steps, findings = read_steps(notebook)
        table = steps_table(steps, findings, self._session.namespace, *standing_notes(notebook.path), str(unsaved))
        display(table)  # type: ignore[no-untyped-call]

    @line_magic
    @tells_in_one_line
    def readiness(self, line: str) -> None:
        """Show what stands between this notebook and its promotion.

            %readiness [NOTEBOOK] [--show-ignored]

        Each finding has its cell, a reason and a remedy; errors must be mended, warnings may stay. Read from the saved
        file.
        """
        from cellmill.promote.plan import examine

        given = parse_arguments(_READINESS, line)
        notebook, unsaved = self._session.read_notebook(given.word or given.value("--notebook"))
        found = examine(notebook)
        ignored = _ignored(found.ignored, in_full="--show-ignored" in given.flags)
        notes = [stale_sentence(found.dataflow.stale)] if found.dataflow.stale else []
        notes += standing_notes(notebook.path)
        display(findings_table(notebook.path.name, found.findings, *notes, *ignored, str(unsaved)))  # type: ignore[no-untyped-call]


def standing_notes(notebook: Path) -> list[str]:
    """Say how far the notebook's pipeline is proven, if it has one."""
    from cellmill.promote.certificate import pipeline_of

    folder = pipeline_of(notebook)
    return [] if folder is None else [standing_sentence(folder)]


def standing_sentence(folder: Path) -> str:
    """How far a pipeline is proven, and what to type if it is not."""
    from cellmill.promote.certificate import standing

    found = standing(folder)
    remedy = "" if found.state == "equal" else f"; in a terminal: cellmill verify {os.path.relpath(folder)}"
    return f"The pipeline {folder.name} was {found.words.removeprefix('was ')}{remedy}."


def steps_table(steps: Steps, findings: Sequence[Finding], namespace: Mapping[str, Any], *notes: str) -> Table:
    """Make the table that ``%steps`` shows."""
    name = steps.notebook.path.name
    errors = [str(one) for one in findings if one.severity == "error"]
    if not steps.steps:
        return Table(f"{name} has no steps.", notes=[*errors, *_notes(*notes)])
    from cellmill.observe import analyse_notebook

    flow = analyse_notebook(steps)
    known = {step.name: step for step in steps.steps}
    rows = [
        (str(part.name), _cells(known[part.name]), _after(part.name, flow), _handed_over(part.name, flow, namespace))
        for part in flow.steps
    ]
    edges = "1 edge" if len(flow.edges) == 1 else f"{len(flow.edges)} edges"
    count = "1 step" if len(rows) == 1 else f"{len(rows)} steps"
    problems = [*errors, *(str(one) for one in flow.findings if one.severity == "error")]
    more = ["%readiness shows what stands in the way of promotion."] if problems else []
    return Table(
        f"{name}: {count}, {edges}.",
        ("step", "cells", "after", "hands over"),
        rows,
        [*_others(steps), *more, *_notes(*notes)],
        figure=_drawn(flow, known),
    )


def _drawn(flow: Dataflow, known: Mapping[Any, Step]) -> str:
    nodes = [
        Node(str(part.name), [str(one) for one in part.upstream], _counted(len(known[part.name].cells), "cell"))
        for part in flow.steps
    ]
    edges = {(str(edge.provider), str(edge.consumer)): ", ".join(edge.variables) or "order" for edge in flow.edges}
    return draw(nodes, edges)


def _ignored(findings: Sequence[Finding], *, in_full: bool) -> list[str]:
    if in_full:
        reasons = [one.reason or "no reason is given" for one in findings]
        return [
            f"Ignored: {one.code}, {_place(one)}: {one.message} ({reason})."
            for one, reason in zip(findings, reasons, strict=True)
        ]
    return [f"{_counted(len(findings), 'finding')} ignored: %readiness --show-ignored."] if findings else []


def findings_table(name: str, findings: Sequence[Finding], *notes: str) -> Table:
    """Make the table that ``%readiness`` shows."""
    errors = sum(one.severity == "error" for one in findings)
    warnings = sum(one.severity == "warning" for one in findings)
    if not findings:
        return Table(f"{name} is ready for %promote.", notes=_notes(*notes))
    state = f"{name} is not ready" if errors else f"{name} is ready for %promote"
    rows = [(same[0].severity, same[0].code, places(same), same[0].message, same[0].remedy) for same in alike(findings)]
    counted = ", ".join(_counted(count, word) for count, word in ((errors, "error"), (warnings, "warning")) if count)
    return Table(
        f"{state}: {counted or _counted(len(findings), 'remark')}.",
        ("", "code", "where", "what", "remedy"),
        rows,
        _notes(*notes),
    )


def stale_sentence(why: str) -> str:
    """Say that what a kernel or a run showed is used only up to some cell."""
    return f"What was observed does not count from there on: {why}; Restart Kernel and Run All Cells observes it again."


def _counted(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count} {word}s"


def _notes(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


def _place(finding: Finding) -> str:
    if finding.cell is None:
        return "notebook"
    return f"cell {finding.cell}" + (f", line {finding.line}" if finding.line is not None else "")


def _cells(step: Step) -> str:
    numbers = _numbers(step.cells)
    return f"{numbers}; check {_numbers(step.checks)}" if step.checks else numbers


def _numbers(cells: Iterable[TaggedCell]) -> str:
    return ", ".join(str(one.cell.number) for one in cells)


def _after(name: str, flow: Dataflow) -> str:
    edges = [edge for edge in flow.edges if edge.consumer == name]
    return "\n".join(f"{edge.provider} (order)" if edge.order else edge.provider for edge in edges)


def _handed_over(name: str, flow: Dataflow, namespace: Mapping[str, Any]) -> str:
    consumers: dict[str, list[str]] = {}
    for edge in flow.edges:
        if edge.provider == name:
            for variable in edge.variables:
                consumers.setdefault(variable, []).append(edge.consumer)
    return "\n".join(
        f"{variable} ({_described(variable, namespace)}) -> {', '.join(steps)}" for variable, steps in consumers.items()
    )


def _described(variable: str, namespace: Mapping[str, Any]) -> str:
    return describe_value(namespace[variable]) if variable in namespace else "not in this kernel"


def _others(steps: Steps) -> list[str]:
    untagged = ", ".join(str(cell.number) for cell in steps.untagged if cell.source.strip())
    named = (
        ("Parameters", _numbers(steps.parameters)),
        ("Shared", _numbers(steps.shared)),
        ("Not promoted", ", ".join(part for part in (_numbers(steps.skipped), untagged) if part)),
    )
    return [f"{kind}: {'cells' if ',' in numbers else 'cell'} {numbers}." for kind, numbers in named if numbers]
