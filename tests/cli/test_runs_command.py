"""``cellmill runs``: the list, and following one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cellmill.run import RunLog
from cellmill.run.events import Event

Cellmill = Callable[..., Result]


@pytest.fixture
def churn(project: Path) -> Path:
    folder = project / "pipelines" / "churn"
    folder.mkdir(parents=True)
    (folder / "pipeline.yaml").write_text("tasks: []\n")
    return folder


def _begin(log: RunLog) -> None:
    data = {"pipeline": "churn", "tasks": ["load", "train"], "parameters": {"n": 1}, "profile": None}
    log(Event("run-started", data=data))


def _finish(log: RunLog, state: str) -> None:
    log(Event("task-finished", "load", {"seconds": 1.5}))
    log(Event("run-finished", data={"state": state, "seconds": 2.5}))


@pytest.mark.usefixtures("churn")
def test_nothing_has_run_yet(cellmill: Cellmill) -> None:
    assert cellmill("runs").output == "Nothing has run yet; start with: cellmill run PIPELINE\n"


def test_runs_are_listed_wherever_they_were_started(churn: Path, cellmill: Cellmill) -> None:
    for source, state in (("cli", "succeeded"), ("magic", "failed")):
        with RunLog(churn, source=source) as log:  # type: ignore[arg-type]
            _begin(log)
            _finish(log, state)

    lines = cellmill("runs", "churn").output.splitlines()
    assert {tuple(line.split()[1:3]) for line in lines[1:]} == {("churn", "succeeded"), ("churn", "failed")}
    assert {line.split()[7] for line in lines[1:]} == {"cli", "magic"}
    told = json.loads(cellmill("runs", "--json", "--limit", "1").output)
    assert [one["name"] for one in told["runs"]] == ["churn"]


def test_a_run_that_goes_on_says_how_to_watch_it(churn: Path, cellmill: Cellmill) -> None:
    with RunLog(churn) as log:
        _begin(log)
        assert f"Watch it with: cellmill runs --follow {log.run_id}" in cellmill("runs").output


@pytest.mark.parametrize("state, code", [("succeeded", 0), ("failed", 1), ("stopped", 130)])
def test_following_a_run_ends_as_the_run_does(churn: Path, cellmill: Cellmill, state: str, code: int) -> None:
    with RunLog(churn) as log:
        _begin(log)
        thread = threading.Thread(target=lambda: (time.sleep(0.6), _finish(log, state)))
        thread.start()
        result = cellmill("runs", "--follow", log.run_id)
        thread.join()

    assert result.exit_code == code
    assert result.output.splitlines() == [
        "churn: 2 steps, n=1",
        "[1/2] load: done in 1.5 s",
        f"{state.capitalize()} after 2.5 s.",
    ]


def test_following_as_json_gives_the_events(churn: Path, cellmill: Cellmill) -> None:
    with RunLog(churn) as log:
        _begin(log)
        _finish(log, "succeeded")

    told: list[dict[str, Any]] = [
        json.loads(line) for line in cellmill("runs", "--follow", log.run_id, "--json").output.splitlines()
    ]

    assert [(one["seq"], one["kind"]) for one in told] == [
        (1, "run-started"),
        (2, "task-finished"),
        (3, "run-finished"),
    ]


@pytest.mark.usefixtures("churn")
def test_an_unknown_run_is_told_in_one_sentence(cellmill: Cellmill) -> None:
    result = cellmill("runs", "--follow", "20260101-000000-abcd")

    assert result.exit_code == 1
    assert "there is no run 20260101-000000-abcd; type `cellmill runs` to see" in result.output
