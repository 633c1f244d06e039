"""Steps: the tagged cells of a notebook grouped by what they are for, magic lines turned into options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cellmill.notebook.cells import Cell, Notebook, StepName

RoleKind = Literal["step", "shared", "check", "parameters", "skip"]


@dataclass(frozen=True)
class StepOptions:
    """What ``%%step`` says beside the name.

    ``timeout`` is in seconds for the whole step; ``after`` names steps that must run before this one.
    """

    after: tuple[StepName, ...] = ()
    outputs: tuple[str, ...] = ()
    retries: int | None = None
    timeout: float | None = None


@dataclass(frozen=True)
class Role:
    """What a cell is for: its tag or its magic line, parsed. ``name`` is set for ``step`` and ``check``."""

    kind: RoleKind
    name: StepName | None = None
    options: StepOptions = StepOptions()


@dataclass(frozen=True)
class TaggedCell:
    """A code cell with a role.

    ``body`` is the source with cellmill's own magic line replaced by an empty line, and lines that install packages
    too, so that line numbers in ``body`` are those of the cell. Other magics are still in it.
    """

    cell: Cell
    role: Role
    body: str


@dataclass(frozen=True)
class Step:
    """A named group of cells in notebook order; ``checks`` run after ``cells``."""

    name: StepName
    cells: tuple[TaggedCell, ...]
    checks: tuple[TaggedCell, ...] = ()
    options: StepOptions = StepOptions()


@dataclass(frozen=True)
class Steps:
    """The whole notebook, grouped. ``steps`` are in the order of their first cell."""

    notebook: Notebook
    steps: tuple[Step, ...]
    parameters: tuple[TaggedCell, ...] = ()
    shared: tuple[TaggedCell, ...] = ()
    skipped: tuple[TaggedCell, ...] = ()
    untagged: tuple[Cell, ...] = ()

    @property
    def promoted(self) -> tuple[TaggedCell, ...]:
        """All cells that a pipeline takes over: parameters, shared, and for each step its cells and its checks."""
        of_steps = (cell for step in self.steps for cell in (*step.cells, *step.checks))
        return (*self.parameters, *self.shared, *of_steps)
