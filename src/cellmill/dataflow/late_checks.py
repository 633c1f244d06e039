"""Checks that stand below another step, which has changed what they look at; in the pipeline they run before it."""

from __future__ import annotations

from collections.abc import Iterator

from cellmill.dataflow.left_out import walk_cells
from cellmill.findings import Finding
from cellmill.notebook.steps import Steps
from cellmill.rules.tags import CheckBeforeStep


def findings(steps: Steps) -> Iterator[Finding]:
    """One for each such check."""
    placed = sorted((one.cell.number, step.name, one) for step in steps.steps for one in step.cells)
    late = {
        check.cell.number: [number for number, name, _ in placed if last < number < check.cell.number]
        for step in steps.steps
        for check in step.checks
        if (last := step.cells[-1].cell.number) < check.cell.number
    }
    if not any(late.values()):
        return
    cells = [*(one for *_, one in placed), *(check for step in steps.steps for check in step.checks)]
    cells.sort(key=lambda one: one.cell.number)
    effects = {one.cell.number: part.effects for one, part in zip(cells, walk_cells(steps, cells)[2:], strict=True)}
    for step in steps.steps:
        for check in step.checks:
            reads = effects[check.cell.number].reads.keys()
            for number in late.get(check.cell.number, ()):
                done = effects[number]
                changed = sorted(reads & (done.binds.keys() | done.mutated_names.keys() | done.deletes.keys()))
                if changed:
                    yield CheckBeforeStep.finding(
                        f"the check of {step.name} stands below cell {number}, which changes `{changed[0]}`; in the "
                        f"pipeline it runs at the end of step {step.name}, before that",
                        f"move this cell above cell {number}, or make it a check of that step",
                        kind="check-after-change",
                        step=str(step.name),
                        name=changed[0],
                        cell=check.cell.number,
                        cell_id=str(check.cell.id),
                        line=1,
                    )
                    break
