"""A run as a table that updates in place under the cell that started it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.display import display

from cellmill.magics.tables import Table
from cellmill.run.events import Event

if TYPE_CHECKING:
    from IPython.core.display_functions import DisplayHandle

    from cellmill.run import RunResult

# Seconds between two updates while cells go by; what happens to tasks is always shown at once.
_PAUSE = 0.25


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
        self._notes: list[str] = []
        self._handle: DisplayHandle | None = None
        self._shown_at = 0.0

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
        self._show(at_once=event.kind != "cell-started")

    def notice(self, text: str) -> None:
        """Show a sentence below the table."""
        self._notes.append(text)
        self._show(at_once=True)

    def ended(self, result: RunResult, tracking: Sequence[str]) -> None:
        """Show how it ended, where the results are, and what the tracker says about its own."""
        self._state = f"{result.state} in {_seconds(result.seconds)}"
        self._notes += [f"Executed notebooks and reports: {os.path.relpath(result.output)}", *tracking]
        self._show(at_once=True)

    def _row(self, event: Event) -> tuple[str, str]:
        data = event.data
        match event.kind:
            case "task-started" | "task-retried":
                attempt = data.get("attempt", 1)
                return "running", f"attempt {attempt}" if attempt > 1 else ""
            case "cell-started":
                return "running", f"cell {data['cell']}/{data['cells']}"
            case "task-finished":
                metrics = ", ".join(f"{name} = {value:.6g}" for name, value in (data.get("metrics") or {}).items())
                return "done", "  ".join(part for part in (_seconds(data["seconds"]), metrics) if part)
            case "task-skipped":
                return "skipped", str(data.get("reason", ""))
            case _:
                return "failed", _seconds(data.get("seconds", 0.0))

    def _show(self, *, at_once: bool) -> None:
        now = time.monotonic()
        if not at_once and now - self._shown_at < _PAUSE:
            return
        self._shown_at = now
        rows = [(name, state, detail) for name, (state, detail) in self._tasks.items()]
        table = Table(f"{self._name}: {self._state}", ("task", "state", ""), rows, list(self._notes))
        if self._handle is None:
            self._handle = display(table, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(table)  # type: ignore[no-untyped-call]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
