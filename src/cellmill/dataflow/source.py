"""Cells to syntax trees, with what cell magics do to the code below them made explicit."""

from __future__ import annotations

import ast
import shlex
from dataclasses import dataclass
from functools import lru_cache

from cellmill.notebook.steps import TaggedCell
from cellmill.notebook.transform import CellMagic, parse, split_cell_magic, to_python


@dataclass(frozen=True)
class CellCode:
    """A cell's code as the analysis reads it; ``captured`` is the name that ``%%capture name`` binds."""

    number: int
    id: str
    tree: ast.Module
    captured: str | None = None
    timed: bool = False
    magic: CellMagic | None = None
    magics: tuple[str, ...] = ()


_parsed = lru_cache(maxsize=4096)(parse)
"""Trees by source: an editor asks again at each pause in typing, and all cells but one are as they were."""


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an open quote, which IPython takes too
        return line.split()


def cell_code(tagged: TaggedCell) -> CellCode | None:
    """Parse a cell's body; None where it is no Python (a finding of its own says so)."""
    magic = split_cell_magic(tagged.body)
    try:
        tree = _parsed(to_python(tagged.body))
    except SyntaxError:
        return None
    captured = None
    if magic is not None and magic.name == "capture":
        names = [word for word in _words(magic.line) if not word.startswith("-")]
        captured = names[0] if names else None
    timed = magic is not None and magic.name == "timeit"
    lines = tuple(line.strip() for line in tagged.body.split("\n") if line.lstrip().startswith("%"))
    return CellCode(tagged.cell.number, str(tagged.cell.id), tree, captured, timed, magic, lines)
