"""What the saved notebook says of its last run: order, times, sizes."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from cellmill.findings import Finding
from cellmill.notebook.cells import Cell
from cellmill.readiness.facts import Part, Promoted
from cellmill.rules.production import GhostState, LargeOutput, SlowCell

LONG = 600.0
"""Seconds after which a cell is slow."""

LARGE = 10_000_000
"""Bytes, as saved, above which an output is large."""

_KEEPS_ITS_RESULT = re.compile(
    r"\bMemory\(|\bdiskcache\b|\.cache\(|@(\w+\.)?(lru_)?cache|%%?cache|\.exists\(|\bisfile\(|\b(to_pickle|to_parquet|joblib\.dump|pickle\.dump)\("
)


def findings(promoted: Promoted) -> Iterator[Finding]:
    """All findings on the last run."""
    yield from _ghosts(promoted)
    for part in promoted.parts:
        yield from _slow(part, promoted)
        yield from _large(part)


def _ghosts(promoted: Promoted) -> Iterator[Finding]:
    """One finding for the whole notebook: the first cell that says so."""
    cells = sorted({part.cell.number: part.cell for part in promoted.parts}.values(), key=lambda cell: cell.number)
    cells = [cell for cell in cells if cell.source.strip()]
    if not any(cell.execution_count for cell in cells):
        return
    told = _first_ghost(cells)
    if told is None:
        yield from _unseen_run(promoted, cells)
    else:
        cell, why = told
        yield GhostState.finding(
            f"the saved outputs may come from another order or code than what stands here: {why}",
            "restart the kernel, run all cells and save, so that the notebook shows what it gives",
            cell=cell.number,
            cell_id=str(cell.id),
        )


def _first_ghost(cells: list[Cell]) -> tuple[Cell, str] | None:
    seen: dict[int, Cell] = {}
    highest: Cell | None = None
    for cell in cells:
        count = cell.execution_count
        if not count:
            return cell, f"cell {cell.number} has not run since it was changed or cleared, and others have"
        if count in seen:
            return cell, f"cells {seen[count].number} and {cell.number} are both the {_ordinal(count)} that ran"
        if highest is not None and count < (highest.execution_count or 0):
            return cell, f"cell {cell.number} ran before cell {highest.number} above it"
        counts = {one.get("execution_count") for one in cell.outputs if one.get("output_type") == "execute_result"}
        if counts - {count, None}:
            return cell, f"what cell {cell.number} shows is from an earlier run of it"
        seen[count] = cell
        highest = cell
    for above, below in pairwise(cells):
        if above.began and below.began and below.began < above.began:
            return below, f"cell {below.number} ran before cell {above.number} above it"
    return None


def _unseen_run(promoted: Promoted, cells: list[Cell]) -> Iterator[Finding]:
    """The first gap in the counts that no cell of the notebook fills, promoted or not."""
    taken = sorted({cell.execution_count for cell in promoted.steps.notebook.cells if cell.execution_count})
    for above, cell in pairwise(cells):
        # What ran before the first cell is no hint: most kernels have run something when all is run from the top.
        before, count = above.execution_count or 0, cell.execution_count or 0
        missing = count - before - 1 - (bisect_left(taken, count) - bisect_right(taken, before))
        if missing:
            yield GhostState.finding(
                f"between cell {above.number} and this one ran something that is not here as it ran (the execution "
                f"counts go from {before} to {count}): a cell a second time, or one that is gone; what is shown may "
                "come from that",
                "`cellmill verify` tells whether the saved outputs are what the notebook gives; to be sure without it, "
                "restart the kernel, run all cells and save",
                kind="unseen-run",
                severity="info",
                cell=cell.number,
                cell_id=str(cell.id),
            )
            return


def _ordinal(count: int) -> str:
    ending = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{ending}"


def _slow(part: Part, promoted: Promoted) -> Iterator[Finding]:
    cell = part.cell
    if cell.seconds is None or cell.seconds <= LONG or _KEEPS_ITS_RESULT.search(part.tagged.body):
        return
    own = [one for one in promoted.parts if one.step == part.step]
    if part.step not in ("shared", "parameters") and len(own) == 1:
        return  # Ploomber keeps its result.
    why = (
        "every task runs it again"
        if part.step in ("shared", "parameters")
        else f"each change of step {part.step} runs it again"
    )
    yield SlowCell.finding(
        f"this cell took {_minutes(cell.seconds)} and nothing keeps its result: {why}",
        "give it a step of its own, or keep its result with joblib.Memory",
        step=part.step,
        cell=cell.number,
        cell_id=str(cell.id),
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _large(part: Part) -> Iterator[Finding]:
    cell = part.cell
    size = sum(
        len(json.dumps(one, ensure_ascii=False, default=str).encode(errors="surrogatepass")) for one in cell.outputs
    )
    if size > LARGE:
        yield LargeOutput.finding(
            f"this cell shows {size / 1e6:.0f} MB, which the run's notebook, its report and its test would hold too",
            "show less of it, and write the whole to a file",
            step=part.step,
            cell=cell.number,
            cell_id=str(cell.id),
        )
