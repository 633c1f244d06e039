"""Remedies that are a click away: for a finding, the roles that a cell could get instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from cellmill.dataflow.scopes import bound_here
from cellmill.dataflow.source import cell_code
from cellmill.findings import Finding
from cellmill.notebook.cells import Cell
from cellmill.notebook.identifiers import to_identifier
from cellmill.notebook.magic_lines import without_magic_line
from cellmill.notebook.names import can_be_step
from cellmill.notebook.roles import read_role
from cellmill.notebook.setup_cells import only_defines
from cellmill.notebook.steps import Role, Steps, TaggedCell
from cellmill.notebook.tags import misspelt, roles_of

Fix = dict[str, Any]


def fixes_of(finding: Finding, steps: Steps) -> list[Fix]:
    """What could be done about a finding by giving a cell another role.

    Returns
    -------
    list of dict
        Each with a ``label`` and an ``action``: ``type`` ``set-role``, ``cell_id``, ``role`` (a tag, or None for no
        role); ``instead_of`` is a tag that has to go.
    """
    rule = _RULES.get(finding.kind)
    if rule is None:
        return []
    found = {str(fix["action"]): fix for fix in rule(finding, steps)}
    return list(found.values())


def tag_of(role: Role) -> str:
    """The tag that says the same as a role."""
    return f"{role.kind}:{role.name}" if role.name is not None else role.kind


def _set_role(cell: Cell, role: str | None, label: str, *, instead_of: str | None = None) -> Fix:
    action = {"type": "set-role", "cell_id": str(cell.id), "role": role}
    return {"label": label, "action": action | ({"instead_of": instead_of} if instead_of is not None else {})}


def _tag(cell: Cell, role: str) -> Fix:
    return _set_role(cell, role, f"Tag cell {cell.number} {role}")


def _cell(finding: Finding, steps: Steps) -> Cell | None:
    return next((cell for cell in steps.notebook.cells if cell.id == finding.cell_id), None)


def _names(steps: Steps) -> list[str]:
    return [str(step.name) for step in steps.steps]


def _untagged_name(finding: Finding, steps: Steps) -> Iterator[Fix]:
    """The cell that defines the name is promoted: shared if it only defines, else as part of a step near it."""
    cells = [TaggedCell(cell, Role("skip"), cell.source) for cell in steps.untagged]
    for tagged in sorted([*cells, *steps.skipped], key=lambda one: one.cell.number):
        code = cell_code(tagged)
        if code is None or not any(finding.name in set(bound_here(node)) for node in ast.walk(code.tree)):
            continue
        if only_defines(_bare(tagged.cell)):
            yield _tag(tagged.cell, "shared")
        above = _step_above(tagged.cell, steps)
        if above is not None:
            yield _tag(tagged.cell, f"step:{above}")
        if finding.step in _names(steps):
            yield _tag(tagged.cell, f"step:{finding.step}")
        return


def _untagged_change(finding: Finding, steps: Steps) -> Iterator[Fix]:
    """The cell joins the step above it or the one that uses what it changes, or is left out on purpose."""
    cell = _cell(finding, steps)
    if cell is None or cell not in steps.untagged:
        return
    for name in dict.fromkeys((_step_above(cell, steps), finding.step)):
        if name in _names(steps):
            yield _tag(cell, f"step:{name}")
    yield _tag(cell, "skip")


def _step_above(cell: Cell, steps: Steps) -> str | None:
    """The step of the nearest cell above that has one: the same for whatever needs the cell, wherever it stands."""
    placed = [(one.cell.number, str(step.name)) for step in steps.steps for one in step.cells]
    return max((one for one in placed if one[0] < cell.number), default=(0, None))[1]


def _bare(cell: Cell) -> Cell:
    return Cell(cell.number, cell.id, cell.kind, without_magic_line(cell.source)[1])


def _two_roles(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    found = roles_of(cell.tags) if cell else ()
    if cell is not None and len(found) > 1 and not without_magic_line(cell.source)[0]:
        for one in found:
            yield _set_role(cell, tag_of(one.role), f"Keep {one.tag}")


def _misspelt_tag(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    for tag, meant in misspelt(cell.tags) if cell is not None else ():
        if cell is not None and tag == finding.name and not meant.endswith(":NAME"):
            yield _set_role(cell, meant, f"Write {meant}", instead_of=tag)


def _tag_on_text_cell(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    if cell is not None:
        yield _set_role(cell, None, f"Remove the tag {finding.name}")


def _tag_and_magic_differ(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    tagged = read_role(cell)[0] if cell is not None else None
    if cell is not None and tagged is not None:
        yield _set_role(cell, tag_of(tagged.role), f"Remove the tag {finding.name}", instead_of=finding.name)


def _bad_step_name(finding: Finding, steps: Steps) -> Iterator[Fix]:
    """Another name, where the step is one cell: a role is set for one cell at a time."""
    step = next((one for one in steps.steps if one.name == finding.name), None)
    if step is None or len(step.cells) != 1 or step.checks:
        return
    wanted = to_identifier(str(step.name))
    name = wanted if can_be_step(wanted) else f"{wanted}_step"
    if can_be_step(name) and name not in _names(steps):
        yield _set_role(step.cells[0].cell, f"step:{name}", f"Name it {name}")


def _check_of_unknown_step(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    for name in get_close_matches(finding.name or "", _names(steps), n=2):
        if cell is not None:
            yield _tag(cell, f"check:{name}")


def _syntax_error(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    if cell is not None:
        yield _set_role(cell, None, "Take its tag away")


def _used_before_defined(finding: Finding, steps: Steps) -> Iterator[Fix]:
    """A shared cell that needs a step's variable belongs to that step."""
    cell = _cell(finding, steps)
    later = re.search(r"which step (\w+) defines", finding.message)
    if cell is not None and later is not None:
        yield _tag(cell, f"step:{later[1]}")


def _shared_after_step(finding: Finding, steps: Steps) -> Iterator[Fix]:
    number = re.search(r"shared cell (\d+)", finding.message)
    shared = next((one.cell for one in steps.shared if number and one.cell.number == int(number[1])), None)
    if shared is not None and finding.step in _names(steps):
        yield _tag(shared, f"step:{finding.step}")


def _process_state(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    if cell is not None and only_defines(_bare(cell)):
        yield _tag(cell, "shared")


def _shared_await(finding: Finding, steps: Steps) -> Iterator[Fix]:
    """The cell runs in the next step, which is the first that could use what it makes."""
    cell = _cell(finding, steps)
    later = [step for step in steps.steps if cell is not None and step.cells[0].cell.number > cell.number]
    if cell is not None and later:
        yield _tag(cell, f"step:{later[0].name}")


def _untagged_cells(finding: Finding, steps: Steps) -> Iterator[Fix]:
    """The first of them joins the step above it, or is left out on purpose; the next one is then the first."""
    cell = _cell(finding, steps)
    if cell is None:
        return
    above = _step_above(cell, steps)
    if above is not None:
        yield _tag(cell, f"step:{above}")
    yield _tag(cell, "skip")


def _raises_exception(finding: Finding, steps: Steps) -> Iterator[Fix]:
    cell = _cell(finding, steps)
    if cell is not None:
        yield _tag(cell, "skip")


_RULES: dict[str, Callable[[Finding, Steps], Iterator[Fix]]] = {
    "untagged-name": _untagged_name,
    "untagged-change": _untagged_change,
    "two-roles": _two_roles,
    "misspelt-tag": _misspelt_tag,
    "tag-on-text-cell": _tag_on_text_cell,
    "tag-and-magic-differ": _tag_and_magic_differ,
    "bad-step-name": _bad_step_name,
    "step-name-collision": _bad_step_name,
    "check-of-unknown-step": _check_of_unknown_step,
    "syntax-error": _syntax_error,
    "used-before-defined": _used_before_defined,
    "shared-after-step": _shared_after_step,
    "process-state": _process_state,
    "shared-await": _shared_await,
    "raises-exception": _raises_exception,
    "untagged-cells": _untagged_cells,
}
