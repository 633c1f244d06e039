"""Rules about where tags and magic lines stand: nothing tagged, or a magic line where it has no effect."""

from __future__ import annotations

import re

from cellmill.errors import shown
from cellmill.findings import Finding
from cellmill.notebook.cells import Cell
from cellmill.notebook.magic_lines import USAGE
from cellmill.notebook.roles import finding_at
from cellmill.notebook.steps import Steps
from cellmill.notebook.transform import split_cell_magic, to_python
from cellmill.rules.tags import MisplacedMagicLine, NoSteps

_OURS = re.compile(rf"\s*%%({'|'.join(USAGE)})\b(?!\?)")
_AS_LINE_MAGIC = re.compile(r"\s*get_ipython\(\)\.run_line_magic\('%(\w+)'")


def findings(steps: Steps) -> list[Finding]:
    """Say when no step is tagged, and which magic lines are not on the first line of their cell."""
    found = _nothing_tagged(steps)
    for cell in steps.notebook.cells:
        if cell.kind == "code" and "%%" in cell.source:
            found += _misplaced(cell)
    return found


def _nothing_tagged(steps: Steps) -> list[Finding]:
    if steps.steps:
        return []
    remedy = (
        f"type cellmill tag {shown(steps.notebook.path)} --from-headings --write, "
        "or put %%step NAME on the first line of a cell (the tag step:NAME says the same)"
    )
    other = steps.parameters or steps.shared or steps.skipped
    message = "cells are tagged, but none as a step" if other else "no cell is tagged, so there is nothing to promote"
    return [NoSteps.finding(message, remedy)]


def _misplaced(cell: Cell) -> list[Finding]:
    first = next((at for at, text in enumerate(cell.source.split("\n")) if text.strip()), 0)
    return [
        finding_at(
            cell,
            MisplacedMagicLine,
            f"%%{name} has no effect here",
            f"move the line %%{name} to the top of the cell, or split the cell above it",
            name=name,
            line=at + 1,
        )
        for at, name in _later_magic_lines(cell.source)
        if at > first and not _is_run_of_ours(cell.source, at)
    ]


def _is_run_of_ours(source: str, at: int) -> bool:
    """Whether only magic lines of ours stand above: that is the mistake of two roles, told elsewhere."""
    return all(_OURS.match(text) or not text.strip() for text in source.split("\n")[:at])


def _later_magic_lines(source: str) -> list[tuple[int, str]]:
    """Where one of our magic lines stands in the source (from 0), strings left aside."""
    lines = source.split("\n")
    candidates = [at for at, text in enumerate(lines) if _OURS.match(text)]
    if not candidates:
        return []
    if split_cell_magic(source) and not _OURS.match(source):
        # Under another cell magic, only the line next to it is sure to be meant for us.
        below = split_cell_magic(source)
        assert below is not None
        return [(at, _OURS.match(lines[at])[1]) for at in candidates if at == below.offset]  # type: ignore[index]
    body = "\n".join("" if _OURS.match(text) and _is_run_of_ours(source, at) else text for at, text in enumerate(lines))
    python = to_python(body).split("\n")
    found = [(at, _AS_LINE_MAGIC.match(python[at])) for at in candidates]
    return [(at, match[1]) for at, match in found if match]
