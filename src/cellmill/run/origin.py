"""From a task's cell back to the cell of the source notebook, by the provenance that promotion left."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE_NAME = ".promotion.json"


@dataclass(frozen=True)
class Place:
    """A place in a notebook or a file; ``line`` counts within the cell, or within the file if there is no cell."""

    file: Path
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where a pipeline's cells come from. Without provenance every place stays the task's own file."""

    folder: Path
    notebook: Path | None = None
    cells: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, home: Path | None = None) -> Origin:
        """Read the folder's provenance; a folder without one, or with a broken one, has none.

        ``home`` is the pipeline's own folder, where ``folder`` is a copy: the notebook is found from there.
        """
        try:
            content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
            cells = {str(key): dict(value) for key, value in content["cells"].items()}
            return cls(folder, ((home or folder) / content["notebook"]).resolve(), cells)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(folder)

    def of_cell(self, cell_id: str | None, line: int | None) -> Place | None:
        """The source cell with this id; ``line`` is a line of the executed cell."""
        entry = self.cells.get(cell_id or "")
        if entry is None or self.notebook is None:
            return None
        # Blank lines at a cell's top (a magic line leaves one) do not get into the task.
        dropped = entry.get("dropped", 0)
        return Place(self.notebook, entry["number"], cell_id, line + dropped if line is not None else None)

    def of_variable(self, name: str, executed: Path) -> Place | None:
        """The source cell that bound a variable last, or at least spoke of it last, in an executed notebook."""
        try:
            cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
        except (OSError, ValueError, KeyError):
            return None
        for pattern in (rf"^[ \t]*{name}\b[^=\n]*=(?!=)", rf"\b{name}\b"):
            for cell in reversed(cells):
                source = "".join(cell["source"])
                starts = [found.start() for found in re.finditer(pattern, source, re.MULTILINE)]
                line = source.count("\n", 0, starts[-1]) + 1 if starts else None
                place = self.of_cell(cell["metadata"].get("cell"), line) if starts else None
                if place is not None:
                    return place
        return None

    def of_line(self, file: Path, line: int) -> Place | None:
        """The source cell that a line of a generated file comes from."""
        best: tuple[int, str] | None = None
        for cell_id, entry in self.cells.items():
            if (self.folder / str(entry.get("file"))).resolve() == file.resolve() and entry["line"] <= line:
                best = max(best or (0, ""), (entry["line"], cell_id))
        if best is None or self.notebook is None:
            return None
        start, cell_id = best
        entry = self.cells[cell_id]
        return Place(self.notebook, entry["number"], cell_id, line - start + 1 + entry.get("dropped", 0))
