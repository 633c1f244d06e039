"""What verification found: a verdict for each promoted cell and for whatever is on an edge, and their sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cellmill.findings import Finding
from cellmill.promote.crossings import Kind, state_words
from cellmill.promote.data_files import DataFile

CellState = Literal["equal", "different", "varies", "ignored", "missing"]
VariableState = Literal["equal", "different", "varies", "uncompared", "missing"]
Outcome = Literal["equal", "different", "varies", "failed"]
_KINDS: tuple[Kind, Kind] = ("variable", "state")


BY_CHANCE = "differs, though not between the notebook's own two runs"
"""Ends the reason of a cell in which only what a clock says or the like differs, and the notebook's runs agreed."""


@dataclass(frozen=True)
class CellVerdict:
    """What verification found for one promoted cell.

    Attributes
    ----------
    number, cell_id
        The cell in the notebook, numbered from 1 over all cells.
    task
        The task that runs it; ``None`` for a shared cell, which runs as part of a module.
    state
        ``varies``: the notebook itself shows something else each time it runs; ``ignored``: nbval's tags or comments
        say so, or the cell runs as a module; ``missing``: its task never ran it.
    difference
        For ``different`` and ``varies``: a unified diff, notebook first.
    reason
        For ``ignored`` and ``varies``: why, in a few words; for ``equal``: what of it was not compared.
    cause
        The likely cause of a difference, a sentence without a full stop; empty if none is known.
    """

    number: int
    cell_id: str
    task: str | None
    state: CellState
    difference: str = ""
    reason: str = ""
    cause: str = ""

    @property
    def by_chance(self) -> bool:
        """Whether it varies though the notebook's own two runs agreed."""
        return self.state == "varies" and self.reason.endswith(BY_CHANCE)

    @property
    def left_out(self) -> bool:
        """Whether it, or part of it, was not compared."""
        return self.state == "ignored" or (self.state == "equal" and bool(self.reason))


@dataclass(frozen=True)
class VariableVerdict:
    """What verification found for one variable, or one piece of process state, on an edge.

    Attributes
    ----------
    name, provider, consumer
        The variable, the step that hands it over and the one that receives it.
    cell
        The provider's last cell, after which the value counts.
    type
        The type in the notebook; ``None`` if the name was not bound.
    state
        ``varies``: the notebook itself makes something else each time; ``uncompared``: ``reason`` says why;
        ``missing``: a task did not come so far.
    difference, cause
        As for cells.
    kind
        ``state``: ``name`` is where it lives, such as ``numpy.random``; it has no type.
    """

    name: str
    provider: str
    consumer: str
    cell: int
    type: str | None
    state: VariableState
    difference: str = ""
    reason: str = ""
    cause: str = ""
    kind: Kind = "variable"

    @property
    def told(self) -> str:
        """What people call it, where a sentence goes on after it."""
        return f"variable `{self.name}`" if self.kind == "variable" else state_words(self.name)


@dataclass(frozen=True)
class Learned:
    """A pattern that was learned from two runs of the notebook: ``was`` and ``then`` are what the two showed."""

    cell: int
    cell_id: str
    kinds: tuple[str, ...]
    regex: str
    replace: str
    was: str
    then: str


@dataclass(frozen=True)
class Verification:
    """Whether pipeline and notebook give the same, and where not.

    Attributes
    ----------
    notebook, folder
        The notebook that was run, and the pipeline's folder (which may have been a temporary one: see ``notes``).
    cells
        One verdict for each promoted cell, in notebook order.
    variables
        One verdict for each variable on each edge, in notebook order of the steps that hand over, and then one for each
        piece of process state on each edge.
    learned
        Patterns by which outputs that change from run to run are compared, to be looked over.
    parameters, seeds
        What both sides ran with.
    notebook_failure, run_failure
        A sentence each, if the notebook or the pipeline failed.
    findings
        Where the source and the run of the notebook say different things of what the steps change.
    notes
        What a reader has to know about what was compared.
    runs_of_notebook
        2 where something differed and the notebook was asked whether it agrees with itself.
    seconds
        The time that all of it took.
    files
        The files that the notebook reads and writes, where they are known.
    lasting
        False if the pipeline was promoted to a temporary folder, so that there is nothing to stamp.
    """

    notebook: Path
    folder: Path
    cells: tuple[CellVerdict, ...]
    variables: tuple[VariableVerdict, ...] = ()
    learned: tuple[Learned, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    notebook_failure: str | None = None
    run_failure: str | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    runs_of_notebook: int = 1
    seconds: float = 0.0
    files: tuple[DataFile, ...] = ()
    lasting: bool = True

    @property
    def outcome(self) -> Outcome:
        """The worst that was found."""
        if self.notebook_failure or self.run_failure:
            return "failed"
        states = {one.state for one in self.cells} | {one.state for one in self.variables}
        if states & {"different", "missing"}:
            return "different"
        return "varies" if "varies" in states else "equal"

    @property
    def equal(self) -> bool:
        """True if nothing failed, and no promoted cell and no variable is something else."""
        return self.outcome == "equal"

    @property
    def first(self) -> CellVerdict | VariableVerdict | None:
        """The first that differs, in the notebook's order; what varies counts where nothing differs."""
        for state in ("different", "varies"):
            found: list[tuple[float, CellVerdict | VariableVerdict]] = [
                *((one.number, one) for one in self.cells if one.state == state),
                *((one.cell + 0.5, one) for one in self.variables if one.state == state),
            ]
            if found:
                return min(found, key=lambda one: one[0])[1]
        return None

    @property
    def summary(self) -> str:
        """What to tell the user: differences listed by cell, then the count."""
        parts = [*self.notes]
        parts += [f"The notebook itself fails: {self.notebook_failure}"] if self.notebook_failure else []
        parts += [f"The pipeline fails: {self.run_failure}"] if self.run_failure else []
        parts += [_cell_told(cell) for cell in self.cells if cell.state in ("different", "varies")]
        parts += [_variable_told(one) for one in self.variables if one.state in ("different", "varies")]
        parts += [_learned_told(one) for one in self.learned]
        parts += [
            f"Cell {cell.number} (task {cell.task}): {cell.reason}"
            for cell in self.cells
            if cell.state == "equal" and cell.left_out
        ]
        parts += self._not_reached()
        parts += [
            f"{_capital(one.told)} ({one.provider} to {one.consumer}) is not compared: {one.reason}"
            for one in self.variables
            if one.state == "uncompared"
        ]
        return "\n".join([*parts, self._count()])

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        fields = asdict(self) | {"notebook": str(self.notebook), "folder": str(self.folder)}
        first = self.first
        return {"equal": self.equal, "outcome": self.outcome, "first": asdict(first) if first else None, **fields}

    def counts(self) -> dict[str, dict[str, int]]:
        """How many cells, variables and pieces of process state are in each state."""
        sides: dict[str, Iterable[CellVerdict | VariableVerdict]] = {
            "cells": self.cells,
            "variables": self.of_kind("variable"),
            "states": self.of_kind("state"),
        }
        return {name: dict(sorted(Counter(one.state for one in found).items())) for name, found in sides.items()}

    def of_kind(self, kind: Kind) -> tuple[VariableVerdict, ...]:
        """The verdicts about variables, or those about process state."""
        return tuple(one for one in self.variables if one.kind == kind)

    def _not_reached(self) -> list[str]:
        cells = [str(cell.number) for cell in self.cells if cell.state == "missing"]
        return [f"Not reached in the pipeline: cell {', '.join(cells)}"] if cells else []

    def _count(self) -> str:
        if self.notebook_failure:
            return f"{self.notebook.name}: nothing was compared."
        count = Counter(cell.state for cell in self.cells)
        compared = count["equal"] + count["different"]
        if self.run_failure:
            return (
                f"{self.notebook.name}: only {_cells(compared)} could be compared; {count['different']} of them differ."
            )
        aside = f"; {_cells(count['ignored'])} not compared ({_why(self.cells)})" if count["ignored"] else ""
        aside += f"; {_cells(count['varies'])} {_verb(count['varies'])} from run to run" if count["varies"] else ""
        variables, states = (Counter(one.state for one in self.of_kind(kind)) for kind in _KINDS)
        if count["different"]:
            told = f"{count['different']} of {_cells(compared)} differ in the pipeline"
        else:
            told = f"{_cells(compared)} show the same in the pipeline"
        return f"{self.notebook.name}: {told}{aside}; {_handed_over(variables)}{_of_states(states)}."


def _why(cells: Sequence[CellVerdict]) -> str:
    by_reason: dict[str, list[str]] = {}
    for cell in cells:
        if cell.state == "ignored":
            by_reason.setdefault(cell.reason, []).append(str(cell.number))
    return ", ".join(f"{', '.join(numbers)}: {reason}" for reason, numbers in by_reason.items())


def _of_states(count: Counter[VariableState]) -> str:
    return f"; {_handed_over(count, 'piece', 'pieces', ' of process state')}" if count else ""


def _handed_over(
    count: Counter[VariableState], noun: str = "variable", plural: str = "variables", after: str = " handed over"
) -> str:
    if not count:
        return f"no {plural}{after}"
    compared = count["equal"] + count["different"]
    whole = f"{compared} {noun if compared == 1 else plural}{after}"
    if count["different"]:
        told = f"{count['different']} of {whole} differ"
    else:
        told = f"{whole} {'is' if compared == 1 else 'are'} equal"
    for state, words in (("varies", "from run to run"), ("uncompared", "not compared"), ("missing", "not reached")):
        if count[state]:  # type: ignore[index]
            told += f", {count[state]} {words}"  # type: ignore[index]
    return told


def _cell_told(cell: CellVerdict) -> str:
    if cell.by_chance:
        return f"Cell {cell.number} (task {cell.task}): {cell.reason}:\n{_rest(cell)}\n"
    if cell.state == "varies":
        return f"Cell {cell.number} (task {cell.task}) differs from run to run of the notebook itself:\n{_rest(cell)}\n"
    return f"Cell {cell.number} (task {cell.task}) differs:\n{_rest(cell)}\n"


def _variable_told(one: VariableVerdict) -> str:
    what = f"{_capital(one.told)}, from step {one.provider} to {one.consumer},"
    if one.state == "varies":
        return f"{what} differs from run to run of the notebook itself:\n{_rest(one)}\n"
    return f"{what} differs:\n{_rest(one)}\n"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _rest(one: CellVerdict | VariableVerdict) -> str:
    return f"{one.difference}\nLikely cause: {one.cause}." if one.cause else one.difference


def _learned_told(one: Learned) -> str:
    what = f"the {', '.join(one.kinds)} in {one.was.strip()!r}"
    return f"Cell {one.cell}: {what} differs from run to run and is left out from now on; review tests/learned.cfg"


def _verb(count: int) -> str:
    return "differs" if count == 1 else "differ"


def _cells(count: int) -> str:
    return _plural(count, "cell")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
