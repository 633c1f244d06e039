"""What a notebook is to cellmill: cells with their ids, tags and source. Reading only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NewType

CellId = NewType("CellId", str)
StepName = NewType("StepName", str)

CellKind = Literal["code", "markdown", "raw"]


@dataclass(frozen=True)
class Cell:
    """One cell as it stands in the file.

    Attributes
    ----------
    number
        Position in the notebook, counted from 1 over all cells (code, markdown, raw).
    id
        nbformat's cell id; for files older than nbformat 4.5 one made from position and source.
    source
        The text as the author wrote it, magic lines included.
    tags
        All tags of the cell, cellmill's and foreign ones, in file order.
    outputs
        Saved outputs as in nbformat (code cells only).
    began, seconds
        When the cell last ran (ISO 8601) and how long, where Jupyter or Papermill wrote it down.
    """

    number: int
    id: CellId
    kind: CellKind
    source: str
    tags: tuple[str, ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    execution_count: int | None = None
    began: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Notebook:
    """A notebook that has been read: its cells in order, and where it came from.

    ``language`` and ``kernel`` come from the notebook's metadata (``python`` and ``python3`` if absent).
    """

    path: Path
    cells: tuple[Cell, ...]
    language: str = "python"
    kernel: str = "python3"
    sha256: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem
