"""The one exception that users see: what went wrong, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class CellmillError(Exception):
    """Bad input or a failed run, told in one sentence.

    Parameters
    ----------
    message
        What is wrong, without a full stop.
    notebook
        The notebook or file it is about.
    cell
        The cell's number as Jupyter shows it: counted from 1 over all cells.
    line
        The line in that cell, from 1.
    remedy
        What to type or do next, without a full stop.

    Examples
    --------
    >>> print(CellmillError("no cell is tagged", notebook="a.ipynb", remedy="add the tag step:load to a cell"))
    a.ipynb: no cell is tagged; add the tag step:load to a cell.
    """

    def __init__(
        self,
        message: str,
        *,
        notebook: str | Path | None = None,
        cell: int | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        message = printable(message)
        super().__init__(message)
        self.message = message
        self.notebook = str(notebook) if notebook is not None else None
        self.cell = cell
        self.line = line
        self.remedy = printable(remedy) if remedy is not None else None

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions pickle by their args alone; keyword data would be lost between processes.
        return (_rebuild, (type(self), self.message, self.notebook, self.cell, self.line, self.remedy))

    def __str__(self) -> str:
        where = [shown(Path(self.notebook))] if self.notebook else []
        if self.cell is not None:
            where.append(f"cell {self.cell}")
        if self.line is not None:
            where.append(f"line {self.line}")
        text = f"{', '.join(where)}: {self.message}" if where else self.message
        if self.remedy:
            text = f"{text}; {self.remedy}"
        return text if text.endswith((".", "!", "?")) else f"{text}."


def printable(text: str) -> str:
    r"""The text without halves of characters (lone surrogates), which no file and no terminal takes.

    Examples
    --------
    >>> printable("tag \ud800") == "tag \ufffd"
    True
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shown(path: Path) -> str:
    """The path as the user would type it: relative if it is below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _rebuild(
    kind: type[CellmillError],
    message: str,
    notebook: str | None,
    cell: int | None,
    line: int | None,
    remedy: str | None,
) -> CellmillError:
    return kind(message, notebook=notebook, cell=cell, line=line, remedy=remedy)
