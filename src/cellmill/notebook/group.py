"""Cells with roles to steps: the grouping that everything later builds on."""

from __future__ import annotations

from collections.abc import Sequence

from cellmill.findings import Finding
from cellmill.notebook import line_magics, names, order, placement, syntax
from cellmill.notebook.cells import Cell, Notebook, StepName
from cellmill.notebook.roles import finding_at, read_role
from cellmill.notebook.steps import RoleKind, Step, StepOptions, Steps, TaggedCell
from cellmill.rules.tags import OptionsDiffer

_RULES = (placement.findings, names.findings, order.findings, syntax.findings, line_magics.findings)


def read_steps(notebook: Notebook) -> tuple[Steps, tuple[Finding, ...]]:
    """Group a notebook's cells by what their tags and magic lines say.

    Parameters
    ----------
    notebook
        A notebook that has been read.

    Returns
    -------
    tuple of Steps and tuple of Finding
        The steps in the order of their first cell, and the findings of kind CM1xx. The steps are as whole as they can
        be even where findings are errors, so that later checks can say what they see.
    """
    tagged: list[TaggedCell] = []
    untagged: list[Cell] = []
    findings: list[Finding] = []
    for cell in notebook.cells:
        found, said = read_role(cell)
        findings += said
        if found is not None:
            tagged.append(found)
        elif cell.kind == "code":
            untagged.append(cell)
    steps = Steps(
        notebook=notebook,
        steps=_steps(tagged, findings),
        parameters=_of_kind(tagged, "parameters"),
        shared=_of_kind(tagged, "shared"),
        skipped=_of_kind(tagged, "skip"),
        untagged=tuple(untagged),
    )
    for rule in _RULES:
        findings += rule(steps)
    return steps, tuple(sorted(findings, key=lambda one: (one.cell or 0, one.line or 0, one.code)))


def _of_kind(tagged: Sequence[TaggedCell], kind: RoleKind) -> tuple[TaggedCell, ...]:
    return tuple(one for one in tagged if one.role.kind == kind)


def _steps(tagged: Sequence[TaggedCell], findings: list[Finding]) -> tuple[Step, ...]:
    cells: dict[StepName, list[TaggedCell]] = {}
    for one in _of_kind(tagged, "step"):
        if one.role.name is not None:
            cells.setdefault(one.role.name, []).append(one)
    checks: dict[StepName, list[TaggedCell]] = {name: [] for name in cells}
    for one in _of_kind(tagged, "check"):
        if one.role.name in cells:
            checks[one.role.name].append(one)
        else:
            findings.append(order.check_of_unknown_step(one, cells))
    return tuple(
        Step(name, tuple(own), tuple(checks[name]), _joined_options(name, own, findings)) for name, own in cells.items()
    )


def _joined_options(name: StepName, cells: Sequence[TaggedCell], findings: list[Finding]) -> StepOptions:
    """Join what the cells of one step say: lists add up, a number may be said once."""
    joined = StepOptions()
    for one in cells:
        said = one.role.options
        for option, before, now in (
            ("--retries", joined.retries, said.retries),
            ("--timeout", joined.timeout, said.timeout),
        ):
            if before is not None and now is not None and before != now:
                findings.append(
                    finding_at(
                        one.cell,
                        OptionsDiffer,
                        f"step {name} says {option} {before:g} in an earlier cell and {now:g} here",
                        f"write {option} in one cell of the step only",
                        step=name,
                    )
                )
        joined = StepOptions(
            after=tuple(dict.fromkeys(joined.after + said.after)),
            outputs=tuple(dict.fromkeys(joined.outputs + said.outputs)),
            retries=said.retries if joined.retries is None else joined.retries,
            timeout=said.timeout if joined.timeout is None else joined.timeout,
        )
    return joined
