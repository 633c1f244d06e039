"""Lists what can be checked of a promoted pipeline, by reading its files: tasks, outputs, check cells, criteria."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cellmill.notebook.transform import parse_expression
from cellmill.promote.verify import read_provenance

_CELL = re.compile(r"^# %%(?P<options>.*)$")
_ID = re.compile(r'\bcell="(?P<id>[^"]+)"')
_CHECK = re.compile(r'\btags=\[.*"check(?::\w+)?".*\]')
_CRITERION = re.compile(r"^\s*(?P<call>\w+_handover\.criteria\(.*\))\s*$")


@dataclass(frozen=True)
class SourcePlace:
    """Where a task's cell comes from: the cell's number in the notebook and its first line in the task's file."""

    task: str
    cell_id: str
    number: int
    file: str
    line: int


@dataclass(frozen=True)
class Criterion:
    """One ``%criteria`` line: what it wants, and the line of the task's file that wants it."""

    task: str
    text: str
    line: int


@dataclass(frozen=True)
class PipelineChecks:
    """What a pipeline can be checked for, in the order of its tasks."""

    folder: Path
    notebook: str
    tasks: tuple[str, ...]
    referenced: tuple[str, ...]
    places: dict[str, SourcePlace]
    check_cells: tuple[SourcePlace, ...]
    criteria: tuple[Criterion, ...]

    def place_of(self, file: str, line: int) -> str:
        """Name the notebook's cell that a line of a task's file comes from, and the line."""
        starts = [(place.line, place.number) for place in self.places.values() if place.file == file]
        number = max(((start, number) for start, number in starts if start <= line), default=(0, 0))[1]
        cell = f"{self.notebook}, cell {number} " if number else ""
        return f"{cell}({file}, line {line})"


def list_checks(folder: Path) -> PipelineChecks:
    """Read the files of a promoted pipeline.

    Raises
    ------
    CellmillError
        If ``folder`` is not a promoted pipeline.
    """
    provenance = read_provenance(folder)
    tasks = tuple(provenance["steps"])
    places = {
        cell_id: SourcePlace(cell["task"], cell_id, cell["number"], cell["file"], cell["line"])
        for cell_id, cell in provenance["cells"].items()
        if cell["task"] is not None
    }
    texts = {task: path.read_text(encoding="utf-8") for task in tasks if (path := _task(folder, task)).exists()}
    checked = [cell_id for text in texts.values() for cell_id in _check_cells(text)]
    return PipelineChecks(
        folder=folder,
        notebook=Path(provenance["notebook"]).name,
        tasks=tasks,
        referenced=tuple(task for task in tasks if (folder / "tests" / f"{task}.ipynb").exists()),
        places=places,
        check_cells=tuple(places[cell_id] for cell_id in checked if cell_id in places),
        criteria=tuple(criterion for task, text in texts.items() for criterion in _criteria(task, text)),
    )


def _task(folder: Path, task: str) -> Path:
    return folder / "tasks" / f"{task}.py"


def _check_cells(text: str) -> Iterator[str]:
    for line in text.splitlines():
        header = _CELL.match(line)
        if header and _CHECK.search(header["options"]) and (found := _ID.search(header["options"])):
            yield found["id"]


def _criteria(task: str, text: str) -> Iterator[Criterion]:
    # Line by line: a task's file need not be plain Python as a whole (top-level await).
    for number, line in enumerate(text.splitlines(), start=1):
        found = _CRITERION.match(line)
        if not found:
            continue
        try:
            call = parse_expression(found["call"])
        except SyntaxError:  # an edit that the task's own run will tell of
            continue
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            yield Criterion(task, str(call.args[0].value), number)
