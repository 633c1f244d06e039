"""Changes cells of a notebook file: new sources, new cells, and everything else as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from cellmill.errors import CellmillError
from cellmill.notebook.cells import CellId, Notebook

_INDENTS = (1, 2, 4, "\t", 0, None, 3)


@dataclass(frozen=True)
class NewCell:
    """A cell to insert, directly after (or, if ``before``, directly above) the cell ``beside``."""

    id: CellId
    kind: str
    source: str
    tags: tuple[str, ...]
    beside: CellId
    before: bool = False


def with_cells(notebook: Notebook, content: bytes, sources: Mapping[CellId, str], new: Sequence[NewCell] = ()) -> bytes:
    """The notebook's file with other sources in some cells, and with new cells.

    Outputs of a changed cell go, since they are those of another source. All else stays: order of keys, indentation,
    escapes. Cells get the ids that cellmill knows them by if the file has none.

    Parameters
    ----------
    notebook, content
        The notebook as it was read, and its file's bytes.
    sources
        New sources by cell id.
    new
        Cells to insert, in order.

    Raises
    ------
    CellmillError
        If the file is of an nbformat older than 4.
    """
    text = content.decode("utf-8-sig")
    document = json.loads(text)
    if document.get("nbformat") != 4:
        raise CellmillError(
            f"cells of nbformat {document.get('nbformat')} are not changed",
            notebook=notebook.path,
            remedy="open it in Jupyter and save it",
        )
    style = _style(text, document)
    cells: list[dict[str, Any]] = document["cells"]
    by_id = dict(zip((cell.id for cell in notebook.cells), cells, strict=True))
    for cell_id, source in sources.items():
        cell = by_id[cell_id]
        cell["source"] = _as_before(cell.get("source"), source)
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
    if any(cell.get("id") != cell_id for cell_id, cell in by_id.items()):
        document["nbformat_minor"] = max(document.get("nbformat_minor", 0), 5)
        for cell_id, cell in by_id.items():
            cell["id"] = cell_id
    for one in new:
        made = _new(one)
        at = next(at for at, cell in enumerate(cells) if cell is by_id[one.beside])
        cells.insert(at if one.before else at + 1, made)
        by_id[one.id] = made
    ending = text[len(text.rstrip("\r\n")) :]
    return (style(document) + ending).encode()


def _new(one: NewCell) -> dict[str, Any]:
    metadata = {"tags": list(one.tags)} if one.tags else {}
    source = one.source.splitlines(keepends=True)
    if one.kind != "code":
        return {"cell_type": one.kind, "id": one.id, "metadata": metadata, "source": source}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": one.id,
        "metadata": metadata,
        "outputs": [],
        "source": source,
    }


def _as_before(old: object, source: str) -> str | list[str]:
    return source if isinstance(old, str) else source.splitlines(keepends=True)


def _style(text: str, document: Any) -> Callable[[Any], str]:
    """The way in which the file was written as JSON, found by writing it again."""
    body = text.rstrip("\r\n")
    for indent, escaped in product(_INDENTS, (False, True)):
        for separators in ((",", ": "), (", ", ": "), (",", ":")):

            def write(value: Any, indent: Any = indent, escaped: bool = escaped, marks: Any = separators) -> str:
                return json.dumps(value, indent=indent, ensure_ascii=escaped, separators=marks)

            if write(document) == body:
                return write
    return lambda value: json.dumps(value, indent=1, ensure_ascii=False)
