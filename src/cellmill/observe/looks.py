"""The looks that are taken at the variables of one execution: where each part of the notebook ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from cellmill.notebook.steps import Steps, TaggedCell
from cellmill.observe.kernel_code import call
from cellmill.observe.record import Part, moment, parts_of

# With a run that is made anyway, each look takes at most this part of the time that has passed, or a second.
SHARE = 0.05


@dataclass(frozen=True)
class Looks:
    """Where an execution is looked at, and what was seen.

    Attributes
    ----------
    first
        The number of the cell before which it begins.
    groups
        Cells that run one after the other, by the number of the last one; those that are not promoted have none.
    folder
        The notebook's folder.
    file
        Where what was seen is written.
    share
        Limits the time of a look, as a part of all that has passed; None for no limit.
    extension
        Whether the magics are to be loaded, since the cells that are run may not do so.
    """

    first: int
    groups: tuple[tuple[int, tuple[TaggedCell, ...]], ...]
    folder: Path
    file: Path
    share: float | None = None
    extension: bool = False

    def beside(self, when: Literal["before", "after"], number: int | None) -> str | None:
        """The code to run beside a cell."""
        if when == "before":
            folder = str(self.folder.resolve())
            return call("watch", "begin", folder, extension=self.extension) if number == self.first else None
        ends = number in [last for last, _ in self.groups]
        return call("watch", "look", str(self.file), self.share, namespace=False) if ends else None

    def moments(self) -> list[dict[str, Any]] | None:
        """What was seen where promoted cells ended, as a record holds it; None if a look failed."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        if len(lines) != len(self.groups):
            return None
        return [moment(cells, json.loads(line)) for (_, cells), line in zip(self.groups, lines, strict=True) if cells]


def looks_at_parts(parts: Sequence[Part], folder: Path, file: Path) -> Looks:
    """The looks of a run of nothing but the parts, one after the other."""
    groups = tuple((cells[-1].cell.number, cells) for _, cells in parts)
    return Looks(parts[0][1][0].cell.number, groups, folder, file, extension=True)


def looks_at_whole(steps: Steps, file: Path) -> Looks | None:
    """The looks of a run of the whole notebook, cell after cell.

    None where the pipeline runs cells in another order: such a run says nothing of the steps' borders.

    Parameters
    ----------
    steps
        The steps in pipeline order.
    file
        Where what is seen is to be written.
    """
    tagged = {one.cell.number: (name, one) for name, cells in parts_of(steps) for one in cells}
    if not tagged or list(tagged) != sorted(tagged):
        return None
    notebook = steps.notebook
    running = [cell.number for cell in notebook.cells if cell.kind == "code" and cell.source.strip()]
    groups = []
    for name, numbers in groupby(running, key=lambda number: tagged[number][0] if number in tagged else None):
        group = list(numbers)
        groups.append((group[-1], tuple(tagged[number][1] for number in group) if name is not None else ()))
    return Looks(running[0], tuple(groups), notebook.path.parent, file, share=SHARE)
