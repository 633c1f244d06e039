"""Rules about which step names may be pointed at, and that --after leads to no cycle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from cellmill.findings import Finding
from cellmill.notebook.cells import StepName
from cellmill.notebook.magic_lines import did_you_mean
from cellmill.notebook.roles import finding_at
from cellmill.notebook.steps import Step, Steps, TaggedCell
from cellmill.rules.tags import CheckBeforeStep, CheckOfUnknownStep, OrderCycle, UnknownAfter


def findings(steps: Steps) -> list[Finding]:
    """Say where ``--after`` names no step or goes round in a circle, and which checks stand before their step."""
    known = {step.name: step for step in steps.steps}
    found = [one for step in steps.steps for one in _unknown_after(step, known)]
    cycle = _cycle({step.name: step.options.after for step in steps.steps})
    if cycle:
        found.append(_about_cycle(known[cycle[0]], cycle))
    return found + [one for step in steps.steps for one in _early_checks(step)]


def check_of_unknown_step(check: TaggedCell, known: Iterable[StepName]) -> Finding:
    """A check cell that names a step which no cell is tagged with."""
    name, steps = check.role.name or StepName(""), tuple(known)
    message = f"there is no step {name} to check" if name else "the tag check: names no step"
    return finding_at(
        check.cell,
        CheckOfUnknownStep,
        message,
        did_you_mean(name, steps, _steps_are(steps)),
        name=name,
    )


def _steps_are(steps: Iterable[StepName]) -> str:
    listed = ", ".join(steps)
    return f"the steps are {listed}" if listed else "tag a cell step:NAME first"


def _unknown_after(step: Step, known: Mapping[StepName, Step]) -> list[Finding]:
    return [
        finding_at(
            tagged.cell,
            UnknownAfter,
            f"step {step.name} is to run after {name}, which is no step",
            did_you_mean(name, known, _steps_are(known)),
            step=step.name,
            name=name,
            line=_magic_line_number(tagged),
        )
        for tagged in step.cells
        for name in tagged.role.options.after
        if name not in known
    ]


def _magic_line_number(tagged: TaggedCell) -> int:
    lines = tagged.cell.source.split("\n")
    return next((at for at, text in enumerate(lines, start=1) if text.strip()), 1)


def _cycle(after: Mapping[StepName, tuple[StepName, ...]]) -> list[StepName]:
    """The steps of one cycle in the order in which they would have to run."""
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        return list(error.args[1][:-1])
    return []


def _about_cycle(step: Step, cycle: list[StepName]) -> Finding:
    tagged = next(one for one in step.cells if one.role.options.after)
    around = " -> ".join([*cycle, cycle[0]])
    message = (
        f"step {step.name} is to run after itself" if len(cycle) == 1 else f"--after goes round in a circle: {around}"
    )
    return finding_at(
        tagged.cell,
        OrderCycle,
        message,
        f"take one --after away, such as this one: %%step {step.name}",
        step=step.name,
        line=_magic_line_number(tagged),
    )


def _early_checks(step: Step) -> list[Finding]:
    first = step.cells[0].cell.number
    return [
        finding_at(
            check.cell,
            CheckBeforeStep,
            f"the check of {step.name} stands above the step's first cell ({first}), but runs after it in the pipeline",
            f"move this cell below cell {step.cells[-1].cell.number}",
            step=step.name,
        )
        for check in step.checks
        if check.cell.number < first
    ]
