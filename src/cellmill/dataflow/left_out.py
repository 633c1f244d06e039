"""Cells that are not promoted, and change what the pipeline goes on with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from cellmill.dataflow import knowledge, state
from cellmill.dataflow.scopes import bound_here
from cellmill.dataflow.source import cell_code
from cellmill.dataflow.walk import Walked, walk
from cellmill.findings import Finding, Severity
from cellmill.notebook.cells import StepName
from cellmill.notebook.steps import Role, Step, Steps, TaggedCell
from cellmill.rules.names import UntaggedChange


def changes(steps: Steps, passed_over: set[str]) -> Iterator[Finding]:
    """Say which untagged or skipped cells change a name, or state of the process, that a later step uses.

    Parameters
    ----------
    steps
        The notebook's cells, grouped.
    passed_over
        Ids of cells of which another finding speaks.
    """
    promoted = [tagged for step in steps.steps for tagged in (*step.cells, *step.checks)]
    left = {
        tagged.cell.number: tagged
        for tagged in (*(TaggedCell(one, Role("skip"), one.source) for one in steps.untagged), *steps.skipped)
        if str(tagged.cell.id) not in passed_over
    }
    skipped = {tagged.cell.number for tagged in steps.skipped}
    if not promoted or not any(_may_matter(one) for one in left.values()):
        return
    cells = sorted((*promoted, *left.values()), key=lambda one: one.cell.number)
    parts = walk_cells(steps, cells)
    known = set(parts[0].effects.binds) | set(parts[1].effects.binds)
    for at, tagged in enumerate(cells, start=2):
        effects = parts[at].effects
        if tagged.cell.number not in left:
            known |= effects.binds.keys()
            continue
        below = zip(cells[at - 1 :], parts[at + 1 :], strict=True)
        later = [(one, part) for one, part in below if one.cell.number not in left]
        names = (effects.binds.keys() | effects.mutated_names.keys() | effects.deletes.keys()) & known
        on_purpose = tagged.cell.number in skipped
        for name in sorted(names):
            if (user := _user(name, later)) is not None:
                yield _finding(tagged, name, user, "warning" if on_purpose else "error", skipped=on_purpose)
        for name in sorted(effects.states):
            if (user := next((one for one, part in later if _depends(part, name)), None)) is not None:
                yield _finding(tagged, name, user, "warning", skipped=on_purpose)


def walk_cells(steps: Steps, cells: Iterable[TaggedCell]) -> list[Walked]:
    """Walk cells in this order, each as a part of its own after the parameters and the shared cells."""
    return walk(replace(steps, steps=tuple(Step(StepName(f"cell {one.cell.number}"), (one,)) for one in cells)))[0]


def _may_matter(tagged: TaggedCell) -> bool:
    """Whether the cell may do more than look at something: quickly, for most do not."""
    code = cell_code(tagged)
    return code is not None and any(
        bool(bound_here(node))
        or (isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Call) and not _only_looks(node))
        for node in ast.walk(code.tree)
    )


def _only_looks(node: ast.Call) -> bool:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in knowledge.PURE_METHODS
    return isinstance(node.func, ast.Name) and node.func.id in knowledge.BUILTINS


def _user(name: str, later: list[tuple[TaggedCell, Walked]]) -> TaggedCell | None:
    """The next promoted cell that reads the name before a promoted cell makes it anew."""
    for tagged, part in later:
        if name in part.effects.reads:
            return tagged
        if name in part.effects.certain:
            return None
    return None


def _depends(part: Walked, name: str) -> bool:
    touched = name in part.effects.states or name in part.effects.draws
    return touched or (state.carries(name) and name not in state.DRAWING_STATES)


def _finding(tagged: TaggedCell, name: str, user: TaggedCell, told: Severity, *, skipped: bool) -> Finding:
    step, number = user.role.name or "NAME", tagged.cell.number
    how, other = ("is skipped", "") if skipped else ("has no tag", ", or `skip` to leave the change out on purpose")
    return UntaggedChange.finding(
        f"cell {number} changes `{name.removeprefix('patch:')}`, which step {step} uses (cell {user.cell.number}), "
        f"but it {how}, so the pipeline goes without the change",
        f"tag cell {number} `step:{step}`{other}",
        severity=told,
        step=str(step),
        name=name,
        cell=number,
        cell_id=str(tagged.cell.id),
        line=1,
    )
