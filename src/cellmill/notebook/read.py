"""The one reader of notebook files: bytes to a Notebook, or one sentence that says why not."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from cellmill.errors import CellmillError, shown
from cellmill.notebook.cells import Cell, CellId, CellKind, Notebook
from cellmill.notebook.timing import last_run

_KINDS = ("code", "markdown", "raw")
_VALID_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_notebook(path: Path) -> Notebook:
    """Read an ``.ipynb`` file of any nbformat version.

    Parameters
    ----------
    path
        The notebook's file.

    Returns
    -------
    Notebook
        Its cells with unique ids, and a hash of the file's bytes.

    Raises
    ------
    CellmillError
        If the file is missing, is no notebook, is cut off, or is not in Python.
    """
    path = Path(path)
    return notebook_of_bytes(path, _bytes_of(path))


def notebook_of_bytes(path: Path, content: bytes) -> Notebook:
    """Read a notebook from the content that its file has, or is to have.

    Raises
    ------
    CellmillError
        If it is no notebook, is cut off, or is not in Python.
    """
    document = _modern(path, _document_of(path, content))
    metadata = _mapping(document.get("metadata"))
    _refuse_other_languages(path, _language(metadata))
    kernel = _mapping(metadata.get("kernelspec")).get("name")
    return Notebook(
        path=path,
        cells=_cells_of(path, document["cells"]),
        language="python",
        kernel=kernel if isinstance(kernel, str) and kernel else "python3",
        sha256=hashlib.sha256(content).hexdigest(),
        metadata=metadata,
    )


def notebook_of_cells(
    path: Path, cells: Sequence[Mapping[str, Any]], *, kernel: str = "python3", language: str = "python"
) -> Notebook:
    """Build a notebook from the cells that an editor holds, saved or not.

    Parameters
    ----------
    path
        The notebook's file; it need not exist.
    cells
        Cells as nbformat 4 has them: ``cell_type``, ``source``, ``metadata``, ``id``.
    kernel, language
        What the editor knows of the kernel.

    Raises
    ------
    CellmillError
        If a cell is none, or the notebook is not in Python.
    """
    _refuse_other_languages(path, language)
    return Notebook(path=path, cells=_cells_of(path, cells), kernel=kernel)


def _refuse_other_languages(path: Path, language: str) -> None:
    if not language.lower().startswith(("python", "ipython")):
        raise CellmillError(
            f"the notebook is in {language}, cellmill reads Python notebooks",
            notebook=path,
            remedy="choose a Python kernel (Kernel > Change Kernel) and save it",
        )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CellmillError("there is no such file", notebook=path, remedy=_instead_of(path)) from None
    except IsADirectoryError:
        raise CellmillError("this is a folder", notebook=path, remedy="name an .ipynb file in it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CellmillError(f"the file can't be read ({reason})", notebook=path, remedy="check its path") from None


def _instead_of(path: Path) -> str:
    """Name notebooks that the user may have meant."""
    from difflib import get_close_matches

    folder = path.parent
    there = sorted(found.name for found in folder.glob("*.ipynb")) if folder.is_dir() else []
    close = get_close_matches(path.name, there, n=1)
    if close:
        return f"did you mean {shown(folder / close[0])}?"
    return f"notebooks in {shown(folder)}: {', '.join(there[:5])}" if there else "check the path"


def _document_of(path: Path, content: bytes) -> dict[str, Any]:
    if not content.strip():
        raise CellmillError("the file is empty", notebook=path, remedy="open it in Jupyter and save it again")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CellmillError("this is not a notebook (not UTF-8 text)", notebook=path, remedy=_NAME_ONE) from None
    except RecursionError:
        raise CellmillError("this is not a notebook (nested too deep)", notebook=path, remedy=_NAME_ONE) from None
    except json.JSONDecodeError as error:
        raise _not_json(path, content, error) from None
    except ValueError:
        # Python itself refuses to read numbers of thousands of digits.
        raise CellmillError(
            "this is not a notebook (it holds a number of thousands of digits)", notebook=path, remedy=_NAME_ONE
        ) from None
    if not isinstance(document, dict) or not isinstance(document.get("nbformat"), int):
        raise CellmillError("this is JSON, but not a notebook", notebook=path, remedy=_NAME_ONE)
    return document


_NAME_ONE = "name a file that Jupyter saved as .ipynb"


def _not_json(path: Path, content: bytes, error: json.JSONDecodeError) -> CellmillError:
    text = content.decode("utf-8-sig")
    if re.search(r"^(<<<<<<<|>>>>>>>) ", text, flags=re.MULTILINE):
        return CellmillError(
            "the file holds git's conflict marks", notebook=path, remedy="merge it with nbdime (nbdime mergetool)"
        )
    if not text.lstrip().startswith("{"):
        return CellmillError("this is not a notebook", notebook=path, remedy=_NAME_ONE)
    # A cut file fails at its end, or in a string that began before the end and never closes.
    at_the_end = error.pos >= len(text.rstrip()) or "Unterminated string" in error.msg
    what = "the file is cut off (truncated JSON)" if at_the_end else "the file is damaged (invalid JSON)"
    return CellmillError(
        f"{what} at line {error.lineno} of the file",
        notebook=path,
        remedy="save it again in Jupyter, or take it back from git or .ipynb_checkpoints",
    )


def _modern(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Bring files older than nbformat 4 up to it; most files need no import of nbformat for that."""
    if document["nbformat"] < 4:
        import nbformat

        try:
            document = dict(nbformat.reads(json.dumps(document), as_version=4))  # type: ignore[no-untyped-call]
        except Exception as error:
            raise CellmillError(
                f"a notebook of nbformat {document['nbformat']} that can't be converted ({error})",
                notebook=path,
                remedy="open it in Jupyter and save it",
            ) from error
    if document["nbformat"] > 4:
        raise CellmillError(
            f"nbformat {document['nbformat']} is newer than cellmill knows (4)",
            notebook=path,
            remedy="save it as nbformat 4",
        )
    if not isinstance(document.get("cells"), list):
        raise CellmillError("this is not a notebook (it has no list of cells)", notebook=path, remedy=_NAME_ONE)
    return document


def _language(metadata: dict[str, Any]) -> str:
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        found = _mapping(metadata.get(section)).get(key)
        if isinstance(found, str) and found:
            return found
    return "python"


def _cells_of(path: Path, raw: Sequence[Any]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    taken: set[str] = set()
    # Ids that the file holds come first, so that a made-up one never takes the place of a real one.
    held = {cell["id"] for cell in raw if isinstance(cell, dict) and isinstance(cell.get("id"), str)}
    for number, found in enumerate(raw, start=1):
        if not isinstance(found, dict) or found.get("cell_type") not in _KINDS:
            raise CellmillError("this cell is not in nbformat 4", notebook=path, cell=number, remedy=_NAME_ONE)
        source = _text(found.get("source", ""))
        began, seconds = last_run(_mapping(found.get("metadata")))
        cells.append(
            Cell(
                number=number,
                id=_unique_id(found.get("id"), source, taken, held),
                kind=cast(CellKind, found["cell_type"]),
                source=source,
                tags=_tags(found.get("metadata")),
                outputs=tuple(_output(one) for one in _list(found.get("outputs")) if isinstance(one, dict)),
                execution_count=_count(found.get("execution_count")),
                began=began,
                seconds=seconds,
            )
        )
    return tuple(cells)


def _unique_id(given: object, source: str, taken: set[str], held: set[str]) -> CellId:
    """Keep the file's id; make one from the source where it is missing, malformed or used before."""
    if isinstance(given, str) and _VALID_ID.fullmatch(given) and given not in taken:
        taken.add(given)
        return CellId(given)
    occurrence = 1
    while True:
        digest = hashlib.sha256(f"{occurrence}\n{source}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
        if digest not in taken and digest not in held:
            taken.add(digest)
            return CellId(digest)
        occurrence += 1


def _count(given: object) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _tags(metadata: object) -> tuple[str, ...]:
    tags = _mapping(metadata).get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _output(output: dict[str, Any]) -> dict[str, Any]:
    """Join the lists of lines that files hold, as nbformat does on reading."""
    joined = dict(output)
    if "text" in joined:
        joined["text"] = _text(joined["text"])
    if isinstance(joined.get("data"), dict):
        joined["data"] = {
            kind: value if _is_json_kind(kind) else _text(value) for kind, value in joined["data"].items()
        }
    return joined


def _is_json_kind(kind: str) -> bool:
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
