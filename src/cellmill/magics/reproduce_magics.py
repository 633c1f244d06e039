"""``%reproduce``: what a step of an earlier run began with, in this kernel."""

from __future__ import annotations

from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from cellmill.errors import CellmillError, shown
from cellmill.magics.arguments import Usage, parse_arguments
from cellmill.magics.giving import Given, give
from cellmill.magics.session import Session
from cellmill.magics.told import tells_in_one_line
from cellmill.notebook import project_root
from cellmill.run.reproduction import LAST, Reproduction, find_reproduction, find_run, source_notebook
from cellmill.run.source_cells import SourceCell, source_cells

_USAGE = Usage("%reproduce [RUN] [STEP] [--anyway]", words=2, flags=("--anyway",))
# Names of one kind that are told one by one.
_MOST = 12


@magics_class
class ReproduceMagics(Magics):
    """Look into runs that failed."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._shell = shell
        self._session = session

    @line_magic
    @tells_in_one_line
    def reproduce(self, line: str) -> None:
        """Load what a step of a run began with, so that its cells can be run here.

            %reproduce [RUN] [STEP] [--anyway]

        RUN is an id as `cellmill runs` shows it, its beginning, `last`, or a pipeline's folder or name (its last run
        that failed); by default the last run of this notebook's pipeline that failed. STEP is by default the one that
        failed. Parameters, shared cells, variables and process state are then in this kernel as the step found them;
        names of yours that have the same name are replaced, and told.

        --anyway  take the products that are there now, if those of the run are gone
        """
        given = parse_arguments(_USAGE, line)
        here = self._notebook()
        root = project_root(here or Path.cwd())
        word = given.word or LAST
        run = find_run(root, word, notebook=here if word == LAST else None)
        step = given.words[1] if len(given.words) > 1 else None
        found = find_reproduction(run, step, anyway="--anyway" in given.flags)
        notebook = source_notebook(found)
        loaded = give(self._shell, found)
        cells = source_cells(found, notebook)
        other = notebook if here is None or (notebook is not None and notebook.resolve() != here.resolve()) else None
        lines = [*_told(found, loaded), *_what_next(found, cells, f" of {shown(other)}" if other else "")]
        self._session.show("\n".join(lines))

    def _notebook(self) -> Path | None:
        try:
            return self._session.notebook_path()
        except CellmillError:
            return None


def _told(found: Reproduction, given: Given) -> list[str]:
    """What is in the kernel now."""
    pipeline = found.run.pipeline
    of = f" of {pipeline.name}" if pipeline is not None else ""
    lines = [f"This kernel has what step {found.step} began with in run {found.run.run_id}{of}."]
    for title, names in given.kinds.items():
        if names:
            lines.append(f"  {title + ':':<12}{_listed(names)}")
    if given.folder is not None:
        lines.append(f"  {'folder:':<12}{given.folder}")
    if given.replaced:
        lines.append(f"Replaced, they had other values here: {_listed(given.replaced)}.")
    return [*lines, *found.notes]


def _what_next(found: Reproduction, cells: tuple[SourceCell, ...], of: str) -> list[str]:
    """Which cells to run, and what will happen."""
    failed = found.failed_cell
    again = f"cellmill reproduce {found.run.run_id} {found.step}"
    wanted = list(cells)
    if failed is not None:
        at = next(place for place, one in enumerate(cells) if one.cell_id == failed.cell_id)
        wanted = wanted[: at + 1]
    if any(one.number is None for one in wanted):
        gone = "The cells that ran are not all in the notebook any more"
        lines = [*_failed(found, None), f"{gone}; a notebook that has them: {again}"]
    else:
        numbers = [int(one.number or 0) for one in wanted]
        lines = [*_failed(found, numbers[-1] if failed is not None else None, of), _run_them(numbers, found, of)]
        changed = [str(one.number) for one in wanted if one.changed]
        if changed:
            has = "has" if len(changed) == 1 else "have"
            cells_word = "Cell" if len(changed) == 1 else "Cells"
            lines.append(
                f"{cells_word} {', '.join(changed)} {has} changed since that run; a notebook with the cells as they "
                f"ran: {again}"
            )
    return [line for line in lines if line]


def _failed(found: Reproduction, number: int | None, of: str = "") -> list[str]:
    if not found.failure:
        return ["The step did not fail in that run."]
    line = f", line {found.failure['line']}," if found.failure.get("line") and number is not None else ""
    where = f"Cell {number}{of}{line}" if number is not None else "The step"
    lines = [f"{where} failed with {found.error}."]
    if found.failure.get("kind") == "hand-over":
        lines = [f"The step failed after its last cell, when it handed over its variables: {found.error}."]
    if found.failure.get("kind") in ("kernel-died", "memory"):
        lines.append("The kernel died of it: the cell may end this kernel too, so save the notebook first.")
    return lines


def _run_them(numbers: list[int], found: Reproduction, of: str) -> str:
    if not numbers:
        return ""
    *before, last = map(str, numbers)
    first = f"Run cell{'s' if len(before) > 1 else ''} {', '.join(before)}, then cell {last}" if before else ""
    what = " to see it fail here" if found.failed_cell is not None else " to run the step here"
    return f"{first or f'Run cell {last}'}{of}{what}."


def _listed(names: tuple[str, ...]) -> str:
    if len(names) <= _MOST:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST])} and {len(names) - _MOST} more"
