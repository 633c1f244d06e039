"""A sweep in the terminal: a row for each combination while it runs, and the table of all of them at the end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cellmill.cli.outcome import print_failure
from cellmill.cli.progress import Follower, LiveProgress, PlainProgress, Row
from cellmill.errors import shown
from cellmill.run.events import Event
from cellmill.run.sweep.page import STATE_WORDS
from cellmill.run.sweep.values import text_of
from cellmill.run.words import duration, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cellmill.run.sweep import CombinationResult, SweepResult

# Metrics that have a column; libraries that log by themselves log many.
_MOST = 6
_STYLES = {"succeeded": "green", "up-to-date": "dim green", "failed": "bold red", "stopped": "yellow", "not-run": "dim"}


@contextmanager
def follow_sweep(console: Console, waiting: str) -> Iterator[Follower]:
    """Show a sweep on the console inside the block: combination by combination in a terminal, else line by line."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield _PlainSweep(console)
        return
    from rich.live import Live

    progress = _LiveSweep(console, waiting)
    # The table of results follows; this one would only say the same.
    with Live(progress, console=console, refresh_per_second=8, transient=True):
        yield progress


class _PlainSweep(PlainProgress):
    """A line for each step that begins or ends: cells would be too many."""

    def __call__(self, event: Event) -> None:
        """Print the event."""
        if event.kind != "cell-started":
            super().__call__(event)


@dataclass
class _Group:
    """One row of the display: a combination's own steps, or a step that combinations share."""

    name: str
    works: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)


class _LiveSweep(LiveProgress):
    """A table of the combinations, and of the steps that they share, drawn anew several times a second."""

    def __init__(self, console: Console, waiting: str) -> None:
        super().__init__(console, waiting)
        self._groups: dict[str, _Group] = {}
        self._seconds: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Take an event; the steps of a combination change its one row."""
        super().__call__(event)
        if event.kind == "run-started":
            self._begin(event)
        elif event.task is not None and event.kind != "cell-started":
            self._change(event)

    def _begin(self, event: Event) -> None:
        combinations = event.data["sweep"]["combinations"]
        users = [work for one in combinations for work in one["tasks"].values()]
        shared = {work for work in users if users.count(work) > 1} if len(combinations) > 1 else set()
        rows: dict[str, Row] = {}
        for work in event.data["tasks"]:
            if work in shared:
                self._groups[work] = _Group(work, {work: work})
                rows[work] = Row(work)
        for one in combinations:
            own = {work: task for task, work in one["tasks"].items() if work not in shared}
            group = _Group(one["label"], own)
            self._groups |= dict.fromkeys(own, group)
            rows[group.name] = Row(group.name)
        self._rows = rows

    def _change(self, event: Event) -> None:
        work = event.task
        if work is None or work not in self._groups:
            return
        group = self._groups[work]
        row = self._rows[group.name]
        if group.name == work:
            row.take(event)
            return
        own = Row(work)
        own.take(event)
        group.states[work] = own.state
        self._seconds[group.name] = self._seconds.get(group.name, 0.0) + (own.seconds or 0.0)
        states = list(group.states.values())
        row.cell, row.cells = sum(state != "running" for state in states), len(group.works)
        running = [group.works[name] for name, state in group.states.items() if state == "running"]
        row.reason = ", ".join(running) or own.reason
        if running:
            row.state, row.began = "running", row.began or own.began
        elif "failed" in states:
            row.state, row.reason = "failed", next(group.works[n] for n, s in group.states.items() if s == "failed")
        elif len(states) < len(group.works):
            row.state = "waiting"
        else:
            for state in ("stopped", "not run", "done", "up to date"):
                if state in states:
                    row.state = state
                    break
        if len(states) == len(group.works) and not running:
            row.seconds = self._seconds[group.name] or None

    def _detail(self, row: Row) -> Text:
        from rich.text import Text

        if row.name in self._groups:  # a step that combinations share
            return super()._detail(row)
        if not row.cells or row.state in ("done", "up to date"):
            return Text()
        return Text(f"{row.reason} ({row.cell}/{row.cells})" if row.reason else f"({row.cell}/{row.cells})", "dim")


def print_sweep(console: Console, result: SweepResult, tracking: Sequence[str], *, again: Sequence[str]) -> None:
    """Print the closing lines of a sweep: what failed, the table, the best, where to look, what to type next.

    Parameters
    ----------
    tracking
        The tracker's lines on how to look at what it recorded.
    again
        The words of the command.
    """
    _print_failures(console, result)
    console.print(_table(console, result))
    style = {"succeeded": "bold green", "failed": "bold red", "stopped": "bold yellow"}[result.state]
    states = [one.state for one in result.combinations]
    told = [f"{states.count(state)} {words}" for state, words in STATE_WORDS.items() if state in states]
    counted, _, words = told[0].partition(" ")
    told[0] = f"{counted} combination{'' if counted == '1' else 's'} {words}"
    steps = f"{result.ran} step{'' if result.ran == 1 else 's'} ran" if result.ran else "nothing had to run"
    console.print(
        f"[{style}]{result.state.capitalize()}[/] in {duration(result.seconds)}: {', '.join(told)}; {steps}.",
        highlight=False,
    )
    if result.drawn is not None:
        _line(console, f"Drawn:   {result.drawn}")
    if result.best is not None and result.goal is not None:
        best = result.combinations[result.best]
        value = number(best.metrics[result.goal.metric])
        _line(console, f"Best:    {best.label} ({result.goal.metric} = {value})")
    if result.page is not None:
        _line(console, f"Page:    {shown(result.page)}")
    if result.state != "succeeded":
        _line(console, f"Next:    {shlex.join(again)}")
    for line in tracking:
        _line(console, line)


def _print_failures(console: Console, result: SweepResult) -> None:
    """Tell each failure once, with the combinations that it stopped."""
    found: dict[str, list[CombinationResult]] = {}
    for one in result.combinations:
        if one.failure is not None and one.failure.kind != "stopped":
            found.setdefault(one.failure.sentence, []).append(one)
    for failed in found.values():
        first = failed[0]
        assert first.failure is not None
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        print_failure(console, replace(first.failure, sentence=f"{first.label}{more}: {first.failure.sentence}"))


def _table(console: Console, result: SweepResult) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    names = result.varied or tuple(result.fixed)
    metrics = _metrics(result)
    box_ = box.SIMPLE_HEAD if console.is_terminal else None
    table = Table(box=box_, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for name in (*metrics, "time"):
        goal = result.goal is not None and name == result.goal.metric
        table.add_column(name, no_wrap=True, justify="right", style="bold" if goal else "")
    table.add_column("state", no_wrap=True)
    for place in result.ranking:
        one = result.combinations[place]
        best = place == result.best
        measured = [number(one.metrics[name]) if name in one.metrics else "" for name in metrics]
        table.add_row(
            "best" if best else "",
            *(Text(text_of(one.values[name])) for name in names),
            *measured,
            duration(one.seconds) if one.seconds else "",
            Text(STATE_WORDS[one.state], _STYLES[one.state]),
            style="bold green" if best else "",
        )
    return table


def _metrics(result: SweepResult) -> list[str]:
    found = list(result.metrics)
    if result.goal is not None and result.goal.metric in found:
        found.remove(result.goal.metric)
        found.insert(0, result.goal.metric)
    return found[:_MOST]


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
