"""What a run looks like: in a wide and a narrow terminal, a short one, without UTF-8, and in a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from cellmill.cli.progress import LiveProgress, PlainProgress, duration, follow
from cellmill.run.events import Event

FAILURE = {"kind": "error", "sentence": "a.ipynb, cell 1 (step b): KeyError: 'x'."}


def started(*names: str, **more: Any) -> Event:
    data = {"run_id": "r", "pipeline": "churn", "tasks": list(names), "parameters": {}, "profile": None}
    return Event("run-started", data=data | more)


def cell(task: str, number: int, cells: int) -> Event:
    place = number + 5 if number < cells else None
    return Event("cell-started", task, {"cell": number, "cells": cells, "cell_id": None, "number": place})


STORY = [
    started("a", "b", "c", "d", parameters={"n": 3, "model": "lr"}, profile="test"),
    Event("task-skipped", "a", {"reason": "up to date", "up_to_date": True}),
    Event("task-started", "b", {"attempt": 1, "parameters": {}}),
    cell("b", 2, 4),
    Event("task-retried", "b", {"attempt": 1, "attempts": 2, "failure": FAILURE}),
    Event("task-started", "b", {"attempt": 2, "parameters": {}}),
    cell("b", 3, 4),
    Event("task-failed", "b", {"seconds": 75.0, "failure": FAILURE}),
    Event("task-skipped", "c", {"reason": "b failed", "up_to_date": False}),
    Event("task-started", "d", {"attempt": 1, "parameters": {}}),
    cell("d", 4, 4),
    Event("task-finished", "d", {"seconds": 1.25}),
]


def terminal(width: int = 100, height: int = 30, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    return Console(file=file, force_terminal=True, width=width, height=height, color_system=None, legacy_windows=False)


def drawn(events: Sequence[Event], console: Console | None = None, *, closed: bool = False) -> list[str]:
    console = console or terminal()
    progress = LiveProgress(console, "Preparing churn")
    for event in events:
        progress(event)
    if closed:
        progress.close()
    with console.capture() as capture:
        console.print(progress)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_before_the_first_event_it_says_that_it_prepares() -> None:
    assert "Preparing churn" in drawn([])[0]


def test_each_state_has_its_words() -> None:
    lines = drawn(STORY)

    assert lines[0] == "churn  4 steps, profile test, n=3, model=lr"
    assert [line.split() for line in lines[1:]] == [
        ["✓", "a", "up", "to", "date"],
        ["✗", "b", "failed", "cell", "8", "(3/4),", "2", "attempts", "1", "min", "15", "s"],
        ["–", "c", "not", "run", "b", "failed"],
        ["✓", "d", "done", "4", "cells", "1.2", "s"],
    ]


def test_a_running_step_shows_its_cell_its_attempt_and_its_time() -> None:
    assert drawn(STORY[:4])[2].split()[:3] == ["▸", "b", "running"]
    assert "cell 7 (2/4)" in drawn(STORY[:4])[2]
    assert drawn(STORY[:4])[2].endswith(" s")
    assert "attempt 2" in drawn(STORY[:7])[2]


def test_long_names_do_not_break_the_table() -> None:
    name = "engineer_features_from_the_raw_customer_and_transaction_tables"
    for width in (60, 80, 120):
        lines = drawn(
            [started("a", name), Event("task-started", name, {"attempt": 1}), cell(name, 2, 4)], terminal(width)
        )
        assert len(lines) == 3
        assert all(len(line) <= width for line in lines)
        assert "engineer_feat" in lines[2]
        assert "cell 7 (2/4)" in lines[2]


def test_a_short_terminal_shows_the_rows_around_the_running_one_and_all_at_the_end() -> None:
    names = [f"step_{number}" for number in range(40)]
    events = [started(*names), Event("task-started", "step_20", {"attempt": 1, "parameters": {}})]

    lines = drawn(events, terminal(height=16))

    assert len(lines) <= 14
    assert any("step_20" in line for line in lines)
    assert "more above" in lines[1]
    assert "more below" in lines[-1]
    assert len(drawn(events, terminal(height=16), closed=True)) == 41


def test_a_terminal_without_utf_8_gets_ascii() -> None:
    lines = drawn(STORY[:4], terminal(encoding="ascii"))

    assert "".join(lines).isascii()


def test_in_a_file_each_event_is_one_line() -> None:
    file = io.StringIO()
    with follow(Console(file=file), "Preparing churn") as follower:
        assert isinstance(follower, PlainProgress)
        for event in STORY:
            follower(event)
        follower.notice("MLflow is down.")

    assert file.getvalue().splitlines() == [
        "churn: 4 steps, profile test, n=3, model=lr",
        "[1/4] a: up to date",
        "[2/4] b: started",
        "[2/4] b: cell 7 (2/4)",
        "[2/4] b: attempt 1 of 2 failed: a.ipynb, cell 1 (step b): KeyError: 'x'.",
        "[2/4] b: attempt 2",
        "[2/4] b: cell 8 (3/4)",
        "[2/4] b: failed after 1 min 15 s",
        "[3/4] c: not run: b failed",
        "[4/4] d: started",
        "[4/4] d: outputs (4/4)",
        "[4/4] d: done in 1.2 s",
        "MLflow is down.",
    ]


def test_a_terminal_gets_the_live_table() -> None:
    console = terminal()
    with follow(console, "Preparing churn") as follower:
        assert isinstance(follower, LiveProgress)
        for event in STORY:
            follower(event)


@pytest.mark.parametrize("variable, value", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    with follow(console, "Preparing") as follower:
        for event in STORY:
            follower(event)

    assert "\x1b[3" not in file.getvalue()
    assert "\x1b[1;3" not in file.getvalue()


@pytest.mark.parametrize(
    "seconds, words",
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (3599, "59 min 59 s"), (3661, "1 h 01 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
