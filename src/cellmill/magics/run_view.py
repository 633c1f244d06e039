"""A run as a picture of its steps and a table that update in place under the cell that started it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cellmill.magics.dag import Node, draw
from cellmill.magics.live_table import LiveTable
from cellmill.magics.tables import Table
from cellmill.run.events import Event
from cellmill.run.words import cell_words

if TYPE_CHECKING:
    from cellmill.run import RunResult


class RunView:
    """Follows a run's events.

    Parameters
    ----------
    folder
        The pipeline's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._name = folder.name
        self._state = "starting"
        self._tasks: dict[str, tuple[str, str]] = {}
        self._progress: dict[str, float] = {}
        self._upstream = _upstream(folder)
        self._notes: list[str] = []
        self._live = LiveTable()

    def __call__(self, event: Event) -> None:
        """Take an event and show what it changes."""
        data = event.data
        if event.kind == "run-started":
            self._state = "running"
            self._tasks = dict.fromkeys(data["tasks"], ("waiting", ""))
        elif event.kind == "notice":
            self._notes.append(str(data.get("text", "")))
        elif event.task is not None:
            self._tasks[event.task] = self._row(event)
            cells = data["cells"] if event.kind == "cell-started" else 0
            # The cell that runs counts as half done.
            self._progress[event.task] = (data["cell"] - 0.5) / cells if cells else 0.0
        # Cells may go by faster than anybody reads.
        self._show(at_once=event.kind != "cell-started")

    def notice(self, text: str) -> None:
        """Show a sentence below the table."""
        self._notes.append(text)
        self._show(at_once=True)

    def ended(self, result: RunResult, tracking: Sequence[str]) -> None:
        """Show how it ended, where the results are, and what the tracker says about its own."""
        self._state = f"{result.state} in {_seconds(result.seconds)}"
        self._notes += [f"Executed notebooks and reports: {os.path.relpath(result.output)}", *tracking]
        self._live.end(self._table())

    def _row(self, event: Event) -> tuple[str, str]:
        data = event.data
        match event.kind:
            case "task-started" | "task-retried":
                attempt = data.get("attempt", 1)
                return "running", f"attempt {attempt}" if attempt > 1 else ""
            case "cell-started":
                return "running", cell_words(data["cell"], data["cells"], data.get("number"))
            case "task-finished":
                metrics = ", ".join(f"{name} = {value:.6g}" for name, value in (data.get("metrics") or {}).items())
                return "done", "  ".join(part for part in (_seconds(data["seconds"]), metrics) if part)
            case "task-skipped":
                reason = str(data.get("reason", ""))
                return ("up to date", "") if data.get("up_to_date") else ("skipped", reason)
            case _:
                stopped = data["failure"]["kind"] == "stopped"
                return "stopped" if stopped else "failed", _seconds(data.get("seconds", 0.0))

    def _show(self, *, at_once: bool) -> None:
        self._live.show(self._table, at_once=at_once)

    def _table(self) -> Table:
        rows = [(name, state, detail) for name, (state, detail) in self._tasks.items()]
        nodes = [
            Node(
                name,
                self._upstream.get(name, ()),
                detail,
                state,
                self._progress.get(name) if state == "running" else None,
            )
            for name, state, detail in rows
        ]
        figure = draw(nodes) if nodes else ""
        return Table(f"{self._name}: {self._state}", ("task", "state", ""), rows, list(self._notes), figure)


def _upstream(folder: Path) -> dict[str, list[str]]:
    """What each task follows, by the last promotion; nothing for a pipeline that was not promoted."""
    from cellmill.promote import last_promotion

    upstream: dict[str, list[str]] = {}
    for edge in (last_promotion(folder) or {}).get("edges", ()):
        upstream.setdefault(edge["consumer"], []).append(edge["provider"])
    return upstream


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
