"""The one writer of notebooks: it adds tags to cells, and every other byte of the file stays."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.files import write_bytes
from cellmill.notebook.cells import Cell
from cellmill.notebook.read import read_notebook

Span = tuple[int, int]
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def write_tags(path: Path, proposals: Sequence[tuple[Cell, str]]) -> None:
    """Add tags to cells of a notebook file and touch nothing else in it.

    The file's text is edited in place (indentation, order of keys, escapes and line ends stay), read again,
    compared, and replaced in one move.

    Parameters
    ----------
    path
        The notebook's file.
    proposals
        Cells as `read_notebook` gave them, each with the tag to add. A tag that a cell has already is not added.

    Raises
    ------
    CellmillError
        If the file changed since it was read, can't be edited without changing more than tags, or can't be written.
    """
    path = Path(path)
    now = {cell.number: cell for cell in read_notebook(path).cells}
    for cell, _ in proposals:
        if cell.number not in now or now[cell.number].source != cell.source:
            raise CellmillError(
                "the file has changed since it was read",
                notebook=path,
                cell=cell.number,
                remedy="run the command again",
            )
    wanted = [(cell.number - 1, tag) for cell, tag in proposals if tag not in now[cell.number].tags]
    before = path.read_bytes().decode("utf-8")
    try:
        after = _with_tags(before, wanted)
        safe = _only_tags_differ(before, after, wanted)
    except (ValueError, LookupError, AttributeError):
        # The file is JSON, but its cells or tags are not what nbformat 4 says.
        safe = False
    if not safe:
        raise CellmillError("tags can't be added without changing more", notebook=path, remedy="add them in Jupyter")
    if after != before:
        write_bytes(path, after.encode("utf-8"))


def _with_tags(text: str, wanted: Sequence[tuple[int, str]]) -> str:
    """Edit the JSON text; from the end, so that earlier places stay where they are."""
    start = _after_blanks(text, 1 if text.startswith("\ufeff") else 0)
    root = _members(text, start)
    cells = _items(text, root["cells"][0])
    added: dict[int, list[str]] = {}
    for index, tag in wanted:
        added.setdefault(index, []).append(tag)
    unit = _line_break(text, start).lstrip("\r\n")
    escape = text.isascii() and "\\u" in text
    for index in sorted(added, reverse=True):
        strings = [json.dumps(tag, ensure_ascii=escape) for tag in added[index]]
        (first, last), new = _edit(text, cells[index], strings, unit)
        text = text[:first] + new + text[last:]
    return text


def _edit(text: str, cell: Span, strings: list[str], unit: str) -> tuple[Span, str]:
    """Which part of the text to replace (an empty part to insert), and by what, to give a cell these tags."""
    members = _members(text, cell[0])
    outer = _line_break(text, cell[0])
    inner = outer + unit if outer else ""
    if "metadata" not in members:
        value = _object_of_tags(strings, inner, unit, outer)
        return _end_of_last(members), f',{outer or " "}"metadata": {value}'
    metadata = members["metadata"]
    inside = _members(text, metadata[0])
    if not inside:
        return metadata, _object_of_tags(strings, inner, unit, outer)
    inner = _line_break(text, metadata[0])
    if "tags" not in inside:
        return _end_of_last(inside), f',{inner or " "}"tags": {_array(strings, inner, unit)}'
    tags = inside["tags"]
    items = _items(text, tags[0])
    if not items:
        return tags, _array(strings, inner, unit)
    between = "," + (_line_break(text, tags[0]) or " ")
    return (items[-1][1], items[-1][1]), between + between.join(strings)


def _object_of_tags(strings: list[str], inner: str, unit: str, outer: str) -> str:
    return f'{{{inner}"tags": {_array(strings, inner, unit)}{outer}}}'


def _array(strings: list[str], outer: str, unit: str) -> str:
    inner = outer + unit if outer else ""
    return f"[{inner}{(',' + (inner or ' ')).join(strings)}{outer}]"


def _line_break(text: str, opening: int) -> str:
    """The line break and indentation before the first thing in an object or array; empty where all is on one line."""
    blank = text[opening + 1 : _after_blanks(text, opening + 1)]
    return blank if "\n" in blank else ""


def _end_of_last(members: dict[str, Span]) -> Span:
    end = max(last for _, last in members.values())
    return end, end


def _members(text: str, opening: int) -> dict[str, Span]:
    """Where the values of a JSON object stand."""
    found: dict[str, Span] = {}
    at = _after_blanks(text, opening + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        found[key] = _value(text, _after_blanks(text, at) + 1)
        at = _after_comma(text, found[key][1])
    return found


def _items(text: str, opening: int) -> list[Span]:
    """Where the items of a JSON array stand."""
    found: list[Span] = []
    at = _after_blanks(text, opening + 1)
    while text[at] != "]":
        found.append(_value(text, at))
        at = _after_comma(text, found[-1][1])
    return found


def _value(text: str, at: int) -> Span:
    start = _after_blanks(text, at)
    return start, _DECODER.raw_decode(text, start)[1]


def _after_comma(text: str, at: int) -> int:
    at = _after_blanks(text, at)
    return _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None
    return found.end()


def _only_tags_differ(before: str, after: str, wanted: Sequence[tuple[int, str]]) -> bool:
    expected = _read(before)
    for index, tag in wanted:
        expected["cells"][index].setdefault("metadata", {}).setdefault("tags", []).append(tag)
    return expected == _read(after)


def _read(text: str) -> dict[str, Any]:
    # As text, so that NaN equals NaN and no digit of a number is lost.
    document = json.loads(text.removeprefix("\ufeff"), parse_float=str, parse_constant=str)
    assert isinstance(document, dict)
    return document
