"""A sweep as a table that updates in place under its cell, and at the end the plot of all combinations above it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.magics.live_table import LiveTable
from cellmill.magics.tables import Table
from cellmill.run.combinations import told_sweep
from cellmill.run.events import Event
from cellmill.run.told_task import change_task, waiting_task
from cellmill.run.words import duration, number

if TYPE_CHECKING:
    from cellmill.run.sweep import SweepResult

# Metrics that have a column; libraries that log by themselves log many.
_MOST = 6
_WORDS = {"up-to-date": "up to date", "not-run": "not run"}
# The colours are the front end's own where it names them.
_STYLE = """
--high: var(--jp-brand-color1, #1f6feb); --low: var(--jp-border-color1, #a9b4c4);
--best: var(--jp-warn-color1, #c2410c); --ink: var(--jp-ui-font-color1, currentColor);
--soft: var(--jp-ui-font-color2, currentColor); --card: var(--jp-layout-color0, transparent);
--failed: var(--jp-error-color1, #c62828); --good: 50%;
max-width: 1000px; font: 12px system-ui, sans-serif;
"""


class SweepView:
    """Follows a sweep's events.

    Parameters
    ----------
    folder
        The pipeline's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._name = folder.name
        self._began: dict[str, Any] = {}
        self._tasks: dict[str, dict[str, Any]] = {}
        self._notes: list[str] = []
        self._table = LiveTable()

    def __call__(self, event: Event) -> None:
        """Take an event and show what it changes."""
        if event.kind == "run-started":
            self._began = event.data
            self._tasks = {name: waiting_task(name) for name in event.data["tasks"]}
        elif event.kind == "notice":
            self._notes.append(str(event.data.get("text", "")))
        elif event.task is not None:
            change_task(self._tasks[event.task], event.kind, event.data, event.at)
        if event.kind != "cell-started":
            # A thousand combinations are not drawn anew for each of their steps.
            self._table.show(self._as_it_goes, at_once=event.kind in ("run-started", "notice"))

    def notice(self, text: str) -> None:
        """Show a sentence below the table."""
        self._notes.append(text)
        self._table.show(self._as_it_goes, at_once=True)

    def ended(self, result: SweepResult, notes: Sequence[str]) -> None:
        """Show the combinations, best first, the plot, and where to look further.

        Parameters
        ----------
        notes
            Sentences to stand below the table.
        """
        self._notes += notes
        self._table.end(_ended(self._name, result, self._notes))

    def _as_it_goes(self) -> Table:
        sweep = told_sweep(self._began, {}, self._tasks)
        if sweep is None:
            return Table(f"{self._name}: preparing the sweep", notes=list(self._notes))
        all_ = sweep["combinations"]
        over = sum(one["over"] == one["steps"] for one in all_)
        used = Counter(work for one in all_ for work in one["tasks"].values())
        shared = [name for name, times in used.items() if times > 1 and self._tasks[name]["state"] == "running"]
        rows = [(one["label"], _WORDS.get(one["state"], one["state"]), _detail(one, sweep["metric"])) for one in all_]
        notes = [f"Running for several combinations: {', '.join(shared)}"] if shared else []
        caption = f"{self._name}: {over} of {len(all_)} combinations done"
        return Table(caption, ("combination", "state", ""), rows, [*notes, *self._notes])


def _detail(one: dict[str, Any], metric: str | None) -> str:
    if one["state"] == "running":
        return f"{', '.join(one['running'])} ({one['over']} of {one['steps']} steps)"
    value = one["metrics"].get(metric)
    measured = f"{metric} = {number(value)}" if value is not None else ""
    return "  ".join(part for part in (duration(one["seconds"]) if one["seconds"] else "", measured) if part)


def _ended(name: str, result: SweepResult, notes: Sequence[str]) -> Table:
    from cellmill.run.sweep.page import STATE_WORDS
    from cellmill.run.sweep.plot import parallel_coordinates
    from cellmill.run.sweep.values import text_of

    names = result.varied or tuple(result.fixed)
    metrics = sorted(result.metrics, key=lambda one: result.goal is None or one != result.goal.metric)[:_MOST]
    rows = []
    for place in result.ranking:
        one = result.combinations[place]
        rows.append(
            (
                "best" if place == result.best else "",
                *(text_of(one.values[key]) for key in names),
                *(number(one.metrics[key]) if key in one.metrics else "" for key in metrics),
                duration(one.seconds) if one.seconds else "",
                STATE_WORDS[one.state],
            )
        )
    plot = parallel_coordinates(result)
    return Table(
        f"{name}: {result.state} in {duration(result.seconds)}. {_found(result)}",
        ("", *names, *metrics, "time", "state"),
        rows,
        [*filter(None, [result.drawn, _page(result)]), *notes],
        _with_style(plot) if plot else "",
    )


def _found(result: SweepResult) -> str:
    """What came of it, in a sentence."""
    count = len(result.combinations)
    tried = f"{count} combination{'' if count == 1 else 's'}"
    if result.best is None or result.goal is None:
        return f"{tried}."
    best = result.combinations[result.best]
    word = "lowest" if result.goal.direction == "minimize" else "highest"
    value = number(best.metrics[result.goal.metric])
    return f"Of {tried} the {word} {result.goal.metric}, {value}, is that of {best.label}."


def _page(result: SweepResult) -> str:
    return f"The page with the plot and all reports: {os.path.relpath(result.page)}" if result.page else ""


def _with_style(plot: str) -> str:
    from cellmill.run.sweep.page import asset

    style = f".cellmill-SweepPlot {{{_STYLE}{asset('plot.css')}}}"
    return f'<div class="cellmill-SweepPlot"><style>{style}</style>{plot}</div>'
