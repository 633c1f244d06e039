"""Readiness rules on what the pipeline folder would hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cellmill.dataflow.source import cell_code
from cellmill.findings import Finding
from cellmill.notebook.steps import Steps
from cellmill.promote.parameters import assignment, read_parameters
from cellmill.promote.requirements import missing_modules, unlocked_modules
from cellmill.rules.folder import (
    ComputedParameter,
    FixedParameter,
    NoOutputs,
    NotInstalled,
    RaisesException,
    SharedAwait,
)
from cellmill.rules.production import NotLocked


def check_plan(steps: Steps) -> Iterator[Finding]:
    """Findings that need more than names: modules that are not installed, shared cells that are no module."""
    yield from _not_installed(steps)
    yield from _not_locked(steps)
    yield from _computed_parameters(steps)
    yield from _fixed_parameters(steps)
    yield from _waiting_shared(steps)
    yield from _raising(steps)
    yield from _never_run(steps)


def _not_installed(steps: Steps) -> Iterator[Finding]:
    for module, cell, line in missing_modules(steps):
        yield NotInstalled.finding(
            f"module `{module}` is not installed here, so requirements.lock can't name it",
            f"install it before you promote, or add it to the file {module}.py beside the notebook",
            name=module,
            cell=cell,
            line=line,
        )


def _not_locked(steps: Steps) -> Iterator[Finding]:
    for module, cell, line, why in unlocked_modules(steps):
        yield NotLocked.finding(
            f"module `{module}` works here, but requirements.lock can't give it to another machine: {why}",
            f"install it from a package index, or put {module}.py beside the notebook",
            name=module,
            cell=cell,
            line=line,
        )


def _computed_parameters(steps: Steps) -> Iterator[Finding]:
    """Papermill sets parameters after their cell has run: what the cell computes of them stays as it was."""
    settable = {one.name for one in read_parameters(steps)}
    for tagged in steps.parameters:
        code = cell_code(tagged)
        for statement in code.tree.body if code is not None else ():
            read = {
                one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
            }
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or not read & settable:
                continue
            name = sorted(read & settable)[0]
            yield ComputedParameter.finding(
                f"this line uses `{name}` in the parameters cell, so it goes by the default of `{name}` in every run",
                "move the line to the step that needs it, or to a shared cell",
                step="parameters",
                name=name,
                cell=tagged.cell.number,
                cell_id=str(tagged.cell.id),
                line=statement.lineno,
            )


def _fixed_parameters(steps: Steps) -> Iterator[Finding]:
    """What looks like a parameter and is none: an object, a tuple, a dict with numbers for keys."""
    settable = {one.name for one in read_parameters(steps)}
    for tagged in steps.parameters:
        code = cell_code(tagged)
        for statement in code.tree.body if code is not None else ():
            name, value, _ = assignment(statement)
            if name is None or value is None or name in settable:
                continue
            if any(isinstance(one, ast.Name) and one.id in settable for one in ast.walk(value)):
                continue  # told as computed
            yield FixedParameter.finding(
                f"`{name}` keeps its value in every run: only numbers, texts, True, None, lists and dicts can be set",
                "write such a value to make it a parameter, or move the line to a shared cell",
                step="parameters",
                name=name,
                cell=tagged.cell.number,
                cell_id=str(tagged.cell.id),
                line=statement.lineno,
            )


def _waiting_shared(steps: Steps) -> Iterator[Finding]:
    """A module can't await."""
    for tagged in steps.shared:
        code = cell_code(tagged)
        if code is None:
            continue
        waiting: list[ast.AST] = list(code.tree.body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
                yield SharedAwait.finding(
                    "a shared cell becomes a module, which can't await at its top level",
                    "tag the cell as a step",
                    step="shared",
                    cell=tagged.cell.number,
                    cell_id=str(tagged.cell.id),
                    line=getattr(node, "lineno", 1),
                )
                break
            waiting.extend(ast.iter_child_nodes(node))


def _raising(steps: Steps) -> Iterator[Finding]:
    for step in steps.steps:
        for tagged in (*step.cells, *step.checks):
            if "raises-exception" in tagged.cell.tags:
                yield RaisesException.finding(
                    "a cell that is meant to fail fails its task: Papermill stops at every error",
                    "catch the exception in the cell, or tag the cell `skip`",
                    step=step.name,
                    cell=tagged.cell.number,
                    cell_id=str(tagged.cell.id),
                )


def _never_run(steps: Steps) -> Iterator[Finding]:
    promoted = [one for step in steps.steps for one in step.cells]
    if promoted and not any(one.cell.outputs or one.cell.execution_count for one in promoted):
        yield NoOutputs.finding(
            "the notebook was saved without outputs, so its tests have nothing to compare with",
            "run the notebook and save it before you promote",
        )
