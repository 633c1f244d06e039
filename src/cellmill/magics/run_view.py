"""A run as a picture of its steps and a table that update in place under the cell that started it.

While it runs it is a widget, which Lab, Notebook 7 and VS Code draw without a flicker; where it has ended it is plain
HTML, which stays in the saved notebook. Outside of a notebook it is text.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from cellmill.magics.dag import Node, draw
from cellmill.magics.tables import Table
from cellmill.run.events import Event
from cellmill.run.words import cell_words

if TYPE_CHECKING:
    import ipywidgets
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
        self._progress: dict[str, float] = {}
        self._upstream = _upstream(folder)
        self._notes: list[str] = []
        self._widget: ipywidgets.HTML | None = None
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
            cells = data["cells"] if event.kind == "cell-started" else 0
            # The cell that runs counts as half done.
            self._progress[event.task] = (data["cell"] - 0.5) / cells if cells else 0.0
        self._show(at_once=event.kind != "cell-started")

    def notice(self, text: str) -> None:
        """Show a sentence below the table."""
        self._notes.append(text)
        self._show(at_once=True)

    def ended(self, result: RunResult, tracking: Sequence[str]) -> None:
        """Show how it ended, where the results are, and what the tracker says about its own."""
        self._state = f"{result.state} in {_seconds(result.seconds)}"
        self._notes += [f"Executed notebooks and reports: {os.path.relpath(result.output)}", *tracking]
        if self._widget is not None:
            self._widget.close()
            self._widget = None
        self._show(at_once=True)

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
        now = time.monotonic()
        if not at_once and now - self._shown_at < _PAUSE:
            return
        self._shown_at = now
        table = self._table()
        if self._widget is not None:
            self._widget.value = table._repr_html_()
        elif self._handle is not None:
            self._handle.update(table)  # type: ignore[no-untyped-call]
        else:
            self._widget = _widget()
            bundle: dict[str, Any] = {"text/plain": repr(table), "text/html": table._repr_html_()}
            if self._widget is not None:
                self._widget.value = bundle["text/html"]
                bundle |= self._widget._repr_mimebundle_()
                bundle["text/plain"] = repr(table)
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

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


def _widget() -> ipywidgets.HTML | None:
    """The widget that shows a run; None outside of a notebook's kernel, where nothing would draw it."""
    if getattr(get_ipython(), "kernel", None) is None:
        return None
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets.HTML()


def _upstream(folder: Path) -> dict[str, list[str]]:
    """What each task follows, by the last promotion; nothing for a pipeline that was not promoted."""
    from cellmill.promote import last_promotion

    upstream: dict[str, list[str]] = {}
    for edge in (last_promotion(folder) or {}).get("edges", ()):
        upstream.setdefault(edge["consumer"], []).append(edge["provider"])
    return upstream


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
