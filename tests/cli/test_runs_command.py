"""``cellmill runs``: the list, and following one."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
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


def _recorded(churn: Path, state: str) -> str:
    with RunLog(churn) as log:
        _begin(log)
        _finish(log, state)
    return log.run_id


def test_runs_are_in_a_database_that_tells_when_they_ended(churn: Path, cellmill: Cellmill) -> None:
    good, bad = _recorded(churn, "succeeded"), _recorded(churn, "failed")

    store = sqlite3.connect(churn.parent.parent / ".cellmill" / "runs.db")
    rows = store.execute("SELECT run_id, state, ended_at >= started FROM runs").fetchall()
    tasks = store.execute("SELECT name, state, seconds FROM tasks WHERE run_id = ?", (good,)).fetchall()
    (mode,) = store.execute("PRAGMA journal_mode").fetchone()
    store.close()

    assert sorted(rows) == sorted([(good, "succeeded", 1), (bad, "failed", 1)])
    assert sorted(tasks) == [("load", "done", 1.5), ("train", "not-run", None)]
    assert mode == "wal"
    told = json.loads(cellmill("runs", "--state", "failed", "--json").output)["runs"]
    assert [run["run_id"] for run in told] == [bad]
    assert cellmill("runs", "--state", "lost").output == "No run is lost.\n"


def test_a_run_whose_process_is_gone_is_lost_and_has_an_end(churn: Path, cellmill: Cellmill) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from cellmill.run import RunLog\nfrom cellmill.run.events import Event\n"
        "log = RunLog(Path(sys.argv[1]))\n"
        "log(Event('run-started', data={'pipeline': 'churn', 'tasks': ['load'], 'parameters': {}, 'profile': None}))\n"
        "log(Event('task-started', 'load', {'attempt': 1, 'parameters': {}}))\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(churn)], check=False)

    (run,) = json.loads(cellmill("runs", "--json").output)["runs"]

    assert run["state"] == "lost"
    assert run["started"] <= run["ended_at"] <= time.time()
    assert [task["state"] for task in run["tasks"]] == ["stopped"]


@pytest.mark.parametrize("harm", ["deleted", "garbage", "cut off"])
def test_the_database_is_made_again_from_the_records(churn: Path, cellmill: Cellmill, harm: str) -> None:
    run_id = _recorded(churn, "succeeded")
    store = churn.parent.parent / ".cellmill" / "runs.db"
    if harm == "deleted":
        store.unlink()
    else:
        store.write_bytes(b"no database " * 1000 if harm == "garbage" else store.read_bytes()[:5000])

    assert cellmill("runs").output.splitlines()[1].split()[0] == run_id
    with closing(sqlite3.connect(store)) as opened:
        assert opened.execute("SELECT run_id FROM runs").fetchall() == [(run_id,)]


def test_a_run_stays_listed_when_its_record_is_gone(churn: Path, cellmill: Cellmill) -> None:
    run_id = _recorded(churn, "succeeded")
    shutil.rmtree(churn.parent.parent / ".cellmill" / "runs" / run_id)

    assert cellmill("runs").output.splitlines()[1].split()[0] == run_id


def test_where_there_can_be_no_database_the_records_are_read(churn: Path, cellmill: Cellmill) -> None:
    (churn.parent.parent / ".cellmill").mkdir()
    (churn.parent.parent / ".cellmill" / "runs.db").mkdir()
    run_id = _recorded(churn, "failed")

    told = json.loads(cellmill("runs", "churn", "--state", "failed", "--json").output)["runs"]

    assert [run["run_id"] for run in told] == [run_id]
