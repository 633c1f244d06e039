"""What the magics know of the session they are in: its notebook, what was run in it, what was measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

from cellmill.errors import CellmillError
from cellmill.notebook import read_notebook
from cellmill.notebook.cells import Cell, Notebook
from cellmill.notebook.magic_lines import first_magic
from cellmill.notebook.roles import read_role

# Jupyter Server tells the kernel the notebook's path by this variable, VS Code by this name in the user's namespace.
_JUPYTER = "JPY_SESSION_NAME"
_VS_CODE = "__vsc_ipynb_file__"


class Session:
    """One running session.

    Parameters
    ----------
    shell
        The session's shell.

    Attributes
    ----------
    metrics
        What ``%metric`` measured so far, the last value of each name.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.metrics: dict[str, float] = {}
        self._executed: dict[str, str] = {}

    def install(self) -> None:
        """Begin to remember which text of each cell was run last."""
        self.shell.events.register("pre_run_cell", self._remember)

    def remove(self) -> None:
        """Stop remembering."""
        self.shell.events.unregister("pre_run_cell", self._remember)

    @property
    def namespace(self) -> dict[str, Any]:
        """The author's variables."""
        names: dict[str, Any] = self.shell.user_ns
        return names

    def notebook_path(self, argument: str | None = None) -> Path:
        """Find the notebook that this session belongs to.

        Parameters
        ----------
        argument
            What the user named; it wins.

        Raises
        ------
        CellmillError
            If nobody says which notebook this is, or it is gone and no other one has the cells that were run.
        """
        if argument:
            return Path(argument).expanduser()
        path = self._known_path()
        if path is None:
            raise CellmillError(
                "this session does not say which notebook it belongs to",
                remedy="name it, as in %steps notebooks/churn.ipynb or %promote --notebook notebooks/churn.ipynb",
            )
        if not path.is_file():
            renamed = self._renamed(path)
            if renamed is not None:
                return renamed
            raise CellmillError(
                "the notebook is not there (any more)",
                notebook=path,
                remedy="save it; if it was renamed, restart the kernel or name the file, as in %steps FILE.ipynb",
            )
        return path

    def _renamed(self, path: Path) -> Path | None:
        """The one notebook beside the missing one that has cells which were run here: Lab renames files as they run."""
        found = []
        for other in sorted(path.parent.glob("*.ipynb")):
            try:
                cells = read_notebook(other).cells
            except CellmillError:
                continue
            if any(str(cell.id) in self._executed for cell in cells):
                found.append(other)
        return found[0] if len(found) == 1 else None

    def _known_path(self) -> Path | None:
        vs_code = self.namespace.get(_VS_CODE)
        if isinstance(vs_code, str) and vs_code:
            return Path(vs_code)
        name = os.environ.get(_JUPYTER, "")
        if not name.endswith(".ipynb"):
            return None
        path = Path(name)
        # Collaborative Lab names its drive in front of the path, as in RTC:churn.ipynb.
        plain = path.with_name(path.name.partition(":")[2] or path.name)
        return plain if not path.exists() and plain.exists() else path

    def read_notebook(self, argument: str | None = None) -> tuple[Notebook, Unsaved]:
        """Read the session's notebook, and find out what was run in it that the file does not have."""
        notebook = read_notebook(self.notebook_path(argument))
        return notebook, Unsaved() if argument else self._unsaved(notebook)

    def poc_environment(self) -> dict[str, str]:
        """What brings the author's ``mlflow`` calls to the notebook's own experiment; what is set already stays."""
        from cellmill.track import poc_environment

        path = self._known_path()
        if path is None:
            path = Path.cwd() / "notebook.ipynb"
        return {name: value for name, value in poc_environment(path).items() if name not in os.environ}

    def tell(self, sentence: str) -> None:
        """Show a sentence beside the cell's own output."""
        import click

        click.echo(sentence, err=True)

    def show(self, text: str) -> None:
        """Show a text as the cell's own output."""
        import click

        click.echo(text)

    def _remember(self, info: ExecutionInfo) -> None:
        source = info.raw_cell or ""
        if info.cell_id is not None and source.strip() and info.store_history:
            self._executed[str(info.cell_id)] = source

    def _unsaved(self, notebook: Notebook) -> Unsaved:
        saved = {str(cell.id): cell for cell in notebook.cells}
        texts = {cell.source.strip() for cell in notebook.cells}
        missing = {
            cell_id: source
            for cell_id, source in self._executed.items()
            if source.strip() not in texts and _has_role(source, saved.get(cell_id))
        }
        return Unsaved(
            notebook.path.name,
            tuple(saved[cell_id].number for cell_id in missing if cell_id in saved),
            tuple(dict.fromkeys(_called(source) for cell_id, source in missing.items() if cell_id not in saved)),
        )


@dataclass(frozen=True)
class Unsaved:
    """Cells with a role that were run as the file does not have them.

    Attributes
    ----------
    name
        The notebook's file name.
    changed
        Numbers of cells whose text in the file is another.
    absent
        Magic lines of cells that the file does not have: new ones, or ones that were deleted since.
    """

    name: str = ""
    changed: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.absent)

    def __str__(self) -> str:
        if self.changed:
            cells = "cell" if len(self.changed) == 1 else "cells"
            listed = [f"{cells} {', '.join(map(str, self.changed))}", *self.absent]
            return f"{self.name} has changes that are not saved ({', '.join(listed)}); save it first (Ctrl+S)."
        if self.absent:
            return f"{', '.join(self.absent)} was run but is not in {self.name}; if it should be, save first (Ctrl+S)."
        return ""


def _has_role(source: str, saved: Cell | None) -> bool:
    magic = first_magic(source)
    return (magic is not None and magic.is_ours) or (saved is not None and read_role(saved)[0] is not None)


def _called(source: str) -> str:
    magic = first_magic(source)
    return f"%%{magic.name}{magic.arguments.rstrip()}" if magic else "a cell"
