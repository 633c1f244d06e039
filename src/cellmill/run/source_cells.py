"""Where the cells of an earlier run's task are in the notebook as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.run.reproduction import Reproduction


@dataclass(frozen=True)
class SourceCell:
    """A cell that ran; ``number`` is its place in the notebook now, None if it is gone."""

    cell_id: str
    number: int | None
    changed: bool


def source_cells(found: Reproduction, notebook: Path | None) -> tuple[SourceCell, ...]:
    """Find a task's own cells in the notebook, in the order in which they ran."""
    numbers, sources = _now(notebook, found.handover) if notebook is not None else ({}, {})
    cells = []
    for one in found.ran.own:
        cell_id = str(one.cell_id)
        now = sources.get(cell_id)
        cells.append(SourceCell(cell_id, numbers.get(cell_id), now is None or now.strip() != one.source.strip()))
    return tuple(cells)


def _now(notebook: Path, handover: str) -> tuple[dict[str, int], dict[str, str]]:
    from cellmill.notebook import read_notebook, read_steps
    from cellmill.promote.tasks import task_cells

    try:
        content = read_notebook(notebook)
        numbers = {str(cell.id): cell.number for cell in content.cells}
        steps, _ = read_steps(content)
        cells = [cell for step in steps.steps for cell in task_cells(step, handover)]
    except CellmillError:
        return {}, {}
    return numbers, {str(one.tagged.cell.id): one.source for one in cells}
