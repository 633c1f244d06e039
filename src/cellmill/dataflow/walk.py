"""Walks the whole notebook: parameters, shared cells, then each step, and keeps what each one does."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from cellmill.dataflow.effects import Effects, Site
from cellmill.dataflow.modules import Modules
from cellmill.dataflow.program import Frame, Program
from cellmill.dataflow.source import CellCode, cell_code
from cellmill.dataflow.statements import Walker
from cellmill.dataflow.values import NOTHING, Value
from cellmill.errors import CellmillError
from cellmill.notebook.cells import StepName
from cellmill.notebook.steps import Steps, TaggedCell

PARAMETERS = StepName("<parameters>")
SHARED = StepName("<shared>")


@dataclass(frozen=True)
class Walked:
    """One part of the notebook after the walk: its effects, and what each name stood for when it ended."""

    name: StepName
    effects: Effects
    env: dict[str, Value]
    cells: tuple[CellCode, ...]


_DEPTH = 6000
"""How deep the walk may go into code within code; Python's own limit suits loops, not trees."""


def walk(steps: Steps, modules: Modules | None = None) -> tuple[list[Walked], Program]:
    """Read all promoted cells in the order in which a task runs them: parameters, shared cells, then the steps."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEPTH))
    walker = Walker(Program(modules=modules or Modules()))
    try:
        return _walk_parts(walker, steps), walker.program
    except RecursionError:
        raise CellmillError(
            "the code of this cell is nested too deep to be analysed",
            notebook=steps.notebook.path,
            cell=walker.cell or None,
            remedy="split its longest expression, or its chain of functions, into parts",
        ) from None
    finally:
        sys.setrecursionlimit(limit)


def _walk_parts(walker: Walker, steps: Steps) -> list[Walked]:
    parts: list[tuple[StepName, Iterable[TaggedCell]]] = [
        (PARAMETERS, steps.parameters),
        (SHARED, steps.shared),
        *((step.name, (*step.cells, *step.checks)) for step in steps.steps),
    ]
    walked = []
    for name, cells in parts:
        codes = tuple(code for code in map(cell_code, cells) if code is not None)
        walked.append(Walked(name, _walk_part(walker, name, codes), dict(walker.program.env), codes))
    _read_changed_classes(walked, walker.program)
    return walked


def _read_changed_classes(walked: list[Walked], program: Program) -> None:
    """What shared classes keep travels by their names, which those who only have an instance do not read."""
    changed = set().union(*(part.effects.mutated for part in walked))
    for code in program.codes.values():
        kept = walked[1].env.get(code.name, NOTHING)
        if code.step != SHARED or not isinstance(code.node, ast.ClassDef) or code.label not in kept.own:
            continue
        if changed.isdisjoint(kept.reach):
            continue
        for part in walked[2:]:
            if code.label in part.effects.called:
                via = Site(code.site.cell, code.site.cell_id, code.site.line, certain=False, via=code.name)
                part.effects.reads.setdefault(code.name, via)


def _walk_part(walker: Walker, name: StepName, codes: tuple[CellCode, ...]) -> Effects:
    effects = Effects()
    frame = Frame("module", effects)
    walker.program.step = name
    if codes:
        walker.cell, walker.cell_id = codes[0].number, codes[0].id
        walker.mention_patches(frame)
    for code in codes:
        walker.cell, walker.cell_id = code.number, code.id
        walker.postponed_annotations = walker.postponed_annotations or _postpones_annotations(code.tree)
        if code.timed:
            place = code.tree.body[0] if code.tree.body else ast.Pass(lineno=1, col_offset=0)
            walker.run_timed(ast.unparse(code.tree), frame, place)
            continue
        walker.run_block(code.tree.body, frame)
        if code.captured:
            place = ast.Pass(lineno=1, col_offset=0)
            walker.bind(code.captured, walker.fresh(place, detail=code.captured), frame, place)
    return effects


def _postpones_annotations(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(one.name == "annotations" for one in node.names)
        for node in tree.body
    )
