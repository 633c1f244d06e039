"""A percent script in parts that keep their identity: source cells by id, promotion's own cells by what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

# As jupytext reads them: the bare mark, or the mark and a blank. `# %%time` is a magic in a comment.
_MARK = re.compile(r"#\s?%%(%*)(\s.*)?$")
_CELL = re.compile(r'\bcell="([^"]+)"')
_TAGS = re.compile(r"\btags=(\[[^\]]*\])")
OWN_PARTS = ("parameters", "inputs", "outputs")

# ``cell:ID``, ``part:NAME``, or ``before:`` and one of these for what stands without an id above it.
Key = str
HEAD, TAIL = "head", "tail"


@dataclass(frozen=True)
class Segment:
    """A part of a script.

    Attributes
    ----------
    mark
        The line with the cell's mark; None for what is no cell with an identity.
    lines
        The lines below the mark, without blank ones at the end.
    blanks
        How many blank lines follow.
    start
        The line of the script (from 1) at which ``lines`` begin.
    file
        The script's path in the pipeline.
    """

    key: Key
    mark: str | None = None
    lines: tuple[str, ...] = ()
    blanks: int = 1
    start: int = 1
    file: str = ""

    @property
    def whole(self) -> tuple[str, ...]:
        """The mark and what stands below it."""
        return (*([self.mark] if self.mark is not None else []), *self.lines)

    @property
    def said(self) -> tuple[str | None, tuple[str, ...]]:
        """What counts when two are compared."""
        return self.mark, self.lines


@dataclass(frozen=True)
class Script:
    """A script's segments by key; ``anchors`` are the keys of those with an identity, in order."""

    segments: dict[Key, Segment]

    @property
    def anchors(self) -> list[Key]:
        """Keys of what has an identity, in order."""
        return [key for key in self.segments if is_anchor(key)]

    def before(self, key: Key) -> Segment:
        """What stands above an anchor without an identity of its own: explanations, cells that somebody added."""
        return self.segments.get(above(key), Segment(above(key)))

    def cell(self, cell_id: str) -> Segment | None:
        """A source cell by its id."""
        return self.segments.get(f"cell:{cell_id}")


def is_anchor(key: Key) -> bool:
    """Whether a key means something with an identity."""
    return key.startswith(("cell:", "part:"))


def above(key: Key) -> Key:
    """The key of what stands above an anchor."""
    return f"before:{key}"


def cell_of(key: Key) -> str | None:
    """The id of the cell that a key means."""
    return key.partition(":")[2] if key.startswith("cell:") else None


def cell_ids(text: str) -> list[str]:
    """The ids of the cells that a script marks."""
    return [found for line in text.split("\n") if is_mark(line) and (found := _id_in(line))]


def is_mark(line: str) -> bool:
    """Whether a cell begins with this line."""
    return bool(_MARK.match(line))


def read_script(text: str, file: str = "") -> Script:
    """Take a percent script apart; joined again it is the same text, but for line ends and blank lines at its end."""
    lines = text.replace("\r\n", "\n").split("\n")
    segments: dict[Key, Segment] = {}
    loose: list[tuple[int, list[str]]] = []
    for start, chunk in _chunks(lines):
        key = _key_of(chunk, segments)
        if key is None:
            loose.append((start, chunk))
            continue
        if loose and key != HEAD:
            segments[above(key)] = _loose(above(key), loose, file)
            loose = []
        segments[key] = _segment(key, start, chunk, file)
    if loose:
        segments[TAIL] = _loose(TAIL, loose, file)
    return Script(segments)


def _chunks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    starts = [at for at, line in enumerate(lines) if is_mark(line)]
    if not starts or starts[0] > 0:
        yield 0, lines[: starts[0]] if starts else lines
    for start, end in pairwise([*starts, len(lines)]):
        yield start, lines[start:end]


def _key_of(chunk: list[str], taken: Iterable[Key]) -> Key | None:
    if not chunk or not is_mark(chunk[0]):
        return HEAD
    found = _id_in(chunk[0])
    key = f"cell:{found}" if found else _part(chunk[0])
    # A cell that somebody copied with its mark is a new one.
    return None if key is None or key in taken else key


def _id_in(mark: str) -> str | None:
    found = _CELL.search(mark)
    return found[1] if found else None


def _part(mark: str) -> Key | None:
    found = _TAGS.search(mark)
    try:
        tags = json.loads(found[1]) if found else []
    except ValueError:
        return None
    return next((f"part:{name}" for name in OWN_PARTS if tags == [name]), None)


def _segment(key: Key, start: int, chunk: list[str], file: str) -> Segment:
    mark, body = (chunk[0], chunk[1:]) if is_anchor(key) else (None, chunk)
    first = start + (2 if mark is not None else 1)
    kept = len(body)
    while kept and not body[kept - 1].strip():
        kept -= 1
    return Segment(key, mark, tuple(body[:kept]), len(body) - kept, first, file)


def _loose(key: Key, chunks: list[tuple[int, list[str]]], file: str) -> Segment:
    return _segment(key, chunks[0][0], [line for _, chunk in chunks for line in chunk], file)
