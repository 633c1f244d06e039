"""The looks that are taken at the variables of one execution: where each part of the notebook ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from cellmill.notebook.steps import Steps
from cellmill.observe.kernel_code import call
from cellmill.observe.record import PARAMETERS, SHARED, Part, joined, moment, parts_of

# With a run that is made anyway, each look takes at most this part of the time that has passed, or a second.
SHARE = 0.05


@dataclass(frozen=True)
class Group:
    """Cells of one part that run one after the other: the number of the last one, and the part's name.

    Cells that are not promoted are of no part. ``check`` says that they are check cells, which may stand anywhere.
    """

    last: int
    part: str | None
    check: bool = False


@dataclass(frozen=True)
class Looks:
    """Where an execution is looked at, and what was seen.

    Attributes
    ----------
    parts
        The notebook's parts in pipeline order.
    first
        The number of the cell before which it begins.
    groups
        After which cells a look is taken, in the order of the execution.
    folder
        The notebook's folder.
    file
        Where what was seen is written.
    share
        Limits the time of a look, as a part of all that has passed; None for no limit.
    extension
        Whether the magics are to be loaded, since the cells that are run may not do so.
    """

    parts: tuple[Part, ...]
    first: int
    groups: tuple[Group, ...]
    folder: Path
    file: Path
    share: float | None = None
    extension: bool = False

    def beside(self, when: Literal["before", "after"], number: int | None) -> str | None:
        """The code to run beside a cell."""
        if when == "before":
            folder = str(self.folder.resolve())
            return call("watch", "begin", folder, extension=self.extension) if number == self.first else None
        ends = number in [group.last for group in self.groups]
        return call("watch", "look", str(self.file), self.share, namespace=False) if ends else None

    def moments(self) -> list[dict[str, Any]] | None:
        """What each part did and left, as a record holds it; None if a look failed."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        if len(lines) != len(self.groups):
            return None
        seen = [(group, json.loads(line)) for group, line in zip(self.groups, lines, strict=True)]
        found = []
        for name, cells in self.parts:
            own = [(group, facts) for group, facts in seen if group.part == name]
            # Shared cells between the steps run before all steps in the pipeline, check cells right after their step.
            main = 0 if name in (PARAMETERS, SHARED) else max(at for at, one in enumerate(own) if not one[0].check)
            found.append(moment(cells, joined([facts for _, facts in own], main)))
        return found


def looks_at_parts(parts: Sequence[Part], folder: Path, file: Path) -> Looks:
    """The looks of a run of nothing but the parts, one after the other."""
    groups = tuple(Group(cells[-1].cell.number, name) for name, cells in parts)
    return Looks(tuple(parts), parts[0][1][0].cell.number, groups, folder, file, extension=True)


def looks_at_whole(steps: Steps, file: Path) -> Looks | None:
    """The looks of a run of the whole notebook, cell after cell.

    None where the pipeline runs the steps in another order: such a run says nothing of their borders.

    Parameters
    ----------
    steps
        The steps in pipeline order.
    file
        Where what is seen is to be written.
    """
    parts = parts_of(steps)
    known = {one.cell.number: (name, one.role.kind == "check") for name, cells in parts for one in cells}
    notebook = steps.notebook
    running = [cell.number for cell in notebook.cells if cell.kind == "code" and cell.source.strip()]
    groups = []
    for (name, check), numbers in groupby(running, key=lambda number: known.get(number, (None, False))):
        groups.append(Group(max(numbers), name, check))
    order = [group.part for group in groups if group.part not in (None, PARAMETERS, SHARED) and not group.check]
    if [name for name, _ in groupby(order)] != [str(step.name) for step in steps.steps if str(step.name) in order]:
        return None
    return Looks(tuple(parts), running[0], tuple(groups), notebook.path.parent, file, share=SHARE)
