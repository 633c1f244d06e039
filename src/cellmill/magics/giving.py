"""Gives a live kernel what a task of an earlier run began with, and finds out what that changed."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.utils.capture import capture_output

from cellmill.errors import CellmillError
from cellmill.magics.values import describe_value
from cellmill.run.inputs import assignments

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from cellmill.run.reproduction import Reproduction

# What the task needs until its inputs are loaded; the author's own names come back.
_SCAFFOLD = ("Path", "_upstream", "os", "product", "resources_", "sys", "upstream")
_PLAIN = (bool, bytes, complex, float, int, str, type(None))


@dataclass(frozen=True)
class Given:
    """What the kernel was given.

    Attributes
    ----------
    kinds
        By kind the names, with what they are.
    replaced
        Names that had another value before.
    folder
        The working folder, if it was another one before.
    """

    kinds: Mapping[str, tuple[str, ...]]
    replaced: tuple[str, ...]
    folder: str | None


def give(shell: InteractiveShell, found: Reproduction) -> Given:
    """Load a task's inputs into the author's namespace, as the task loads them.

    Raises
    ------
    CellmillError
        If they can't be loaded; the names that were loaded until then stay.
    """
    names: dict[str, Any] = shell.user_ns
    before, folder = dict(names), os.getcwd()
    inputs = _read_inputs(found)
    shared: dict[str, Any] = {}
    try:
        _run(shell, found)
        shared = getattr(getattr(sys.modules.get(found.handover), "_task", None), "shared", {})
    except Exception as error:  # whatever the shared cells and the pickled objects raise
        raise _refusal(found, error) from error
    finally:
        made = {*inputs.bound, *(name for name in shared if not name.startswith("__"))}
        for name in {*_SCAFFOLD, found.handover} - made:
            if name in before:
                names[name] = before[name]
            else:
                names.pop(name, None)
    helpers = made - set(inputs.parameters) - set(inputs.variables)
    replaced = [name for name in sorted(made) if name in before and _differs(before[name], names.get(name))]
    return Given(
        {
            "parameters": tuple(f"{name} = {_short(names[name])}" for name in inputs.parameters if name in names),
            "variables": tuple(f"{one} ({describe_value(names[one])})" for one in inputs.variables if one in names),
            "shared": tuple(sorted(name for name in helpers if name in names)),
            "state": inputs.states,
        },
        tuple(replaced),
        os.getcwd() if os.getcwd() != folder else None,
    )


def _refusal(found: Reproduction, error: Exception) -> CellmillError:
    words = " ".join(f"{type(error).__name__}: {error}".split())
    if type(error).__name__ != found.failure.get("error"):
        return CellmillError(
            f"step {found.step} can't be given its inputs here: {words}", remedy="restart the kernel and try again"
        )
    cell = found.failure.get("cell")
    return CellmillError(
        f"step {found.step} fails here as in run {found.run.run_id}, before its first cell: {words}",
        remedy=f"correct cell {cell} of the notebook" if cell is not None else "correct what it begins with",
    )


def _run(shell: InteractiveShell, found: Reproduction) -> None:
    """Run the setup with the run's own modules, not those of another run or pipeline."""
    place = str(found.ran.handover.parent)
    for module in (found.handover, found.shared):
        sys.modules.pop(module, None)
    importlib.invalidate_caches()
    sys.path.insert(0, place)
    try:
        source = shell.transform_cell(found.setup)  # type: ignore[no-untyped-call]
        code = shell.compile(source, f"<inputs of {found.step}>", "exec")
        with capture_output(display=True, stdout=True, stderr=False):
            exec(code, shell.user_ns)
    finally:
        sys.path.remove(place)


@dataclass(frozen=True)
class _Inputs:
    """The names that a task has when it begins."""

    parameters: tuple[str, ...]
    variables: tuple[str, ...]
    states: tuple[str, ...]
    imported: tuple[str, ...]

    @property
    def bound(self) -> set[str]:
        return {*self.parameters, *self.variables, *self.imported}


def _read_inputs(found: Reproduction) -> _Inputs:
    """Read them off the cell that loads them, as promotion writes it."""
    variables: list[str] = []
    states: list[str] = []
    imported: list[str] = []
    begun = False
    for node in ast.parse(found.ran.source("inputs")).body:
        calls = _calls_of(node, found.handover)
        begun = begun or "begin" in calls
        if begun and isinstance(node, (ast.Import, ast.ImportFrom)):
            imported += [one.asname or one.name.partition(".")[0] for one in node.names]
        for load in (calls.get("load"), calls.get("load_bound")):
            variables += _texts(load)
        states += _texts(calls.get("load_state"))
    parameters = dict.fromkeys(name for name, _ in assignments(found.parameters))
    return _Inputs(
        tuple(name for name in parameters if name not in variables),
        tuple(dict.fromkeys(variables)),
        tuple(dict.fromkeys(states)),
        tuple(name for name in imported if name != "*"),
    )


def _calls_of(tree: ast.AST, module: str) -> dict[str, ast.Call]:
    """Calls of the module's functions, by the function's name."""
    return {
        node.func.attr: node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == module
    }


def _texts(call: ast.Call | None) -> list[str]:
    """The names among a call's arguments; the first says from which task."""
    arguments = call.args[1:] if call is not None else ()
    return [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _differs(before: object, now: object) -> bool:
    if before is now:
        return False
    return not (type(before) is type(now) and isinstance(now, _PLAIN) and before == now)


def _short(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an author's class may do anything
        return type(value).__name__
    return text if len(text) <= 40 else f"{text[:39]}…"
