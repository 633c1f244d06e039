"""Finds conflicts that stand marked, in git's way, in a pipeline's files: nothing runs before they are decided."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cellmill.errors import CellmillError, shown
from cellmill.findings import Finding
from cellmill.promote import provenance
from cellmill.promote.base import read_base
from cellmill.rules.folder import UndecidedConflict

# Where promotion writes text that somebody may have to decide about, and where git's own merge may leave marks.
_FILES = ("*.py", "*.yaml", "tasks/*.py", "tests/*.py", "README.md", "requirements.lock", provenance.FILE)
_BEGIN, _END = b"<<<<<<< ", b">>>>>>> "
_MARK = re.compile(rb"(?m)^(?:<<<<<<<|>>>>>>>) [^\r\n]*")
REMEDY = "keep the lines that are right there and take out the marks"


@dataclass(frozen=True)
class Marked:
    """One conflict that nobody has decided: the file below the pipeline's folder, and the line of its first mark."""

    file: str
    line: int


def marked_conflicts(folder: Path) -> tuple[Marked, ...]:
    """All marked conflicts in the files of a pipeline's folder, in the order of their names.

    A mark alone counts too: who took out the others has not done yet. Lines that the notebook itself has are none.
    """
    return tuple(one for path in _paths(folder) for one in _marked_in(folder, path))


def refuse_marks(folder: Path) -> None:
    """Refuse a pipeline's folder that holds marked conflicts.

    Raises
    ------
    CellmillError
        If it does; names the first with its line, and all that there are.
    """
    found = marked_conflicts(folder)
    if found:
        raise CellmillError(
            f"a conflict is marked here and not decided{_and_others(folder, found)}",
            notebook=folder / found[0].file,
            line=found[0].line,
            remedy=REMEDY,
        )


def findings_on_marks(folder: Path, notebook: Path) -> Iterator[Finding]:
    """A finding for each marked conflict in the folder of a notebook's pipeline."""
    for one in marked_conflicts(folder):
        yield UndecidedConflict.finding(
            f"a conflict is marked and not decided in {shown(folder / one.file)}, line {one.line}",
            f"{REMEDY}; the notebook's side: `cellmill promote {shown(notebook)} --overwrite-file {one.file}`",
        )


def _and_others(folder: Path, found: tuple[Marked, ...]) -> str:
    others = [f"{shown(folder / one.file)}, line {one.line}" for one in found[1:]]
    return f" (nor in {'; '.join(others)})" if others else ""


def _paths(folder: Path) -> list[Path]:
    return sorted({path for pattern in _FILES for path in folder.glob(pattern) if path.is_file()})


def _marked_in(folder: Path, path: Path) -> Iterator[Marked]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    if _BEGIN not in content and _END not in content:
        return
    name = path.relative_to(folder).as_posix()
    own = set(_MARK.findall(_base_of(folder, name)))
    begun = False
    for found in _MARK.finditer(content):
        if found[0] in own:
            continue
        begins = found[0].startswith(_BEGIN)
        if begins or not begun:
            yield Marked(name, content.count(b"\n", 0, found.start()) + 1)
        begun = begins


def _base_of(folder: Path, name: str) -> bytes:
    from cellmill.promote.merge import last_promotion

    return read_base(folder, last_promotion(folder) or {}).get(name, "").encode()
