"""A run's record: written as it happens, read while it goes on, honest about runs that are gone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cellmill.errors import CellmillError
from cellmill.run import LoggedRun, RunLog, list_runs, read_run, run_pipeline
from cellmill.run.events import Event
from cellmill.run.history import read_events
from cellmill.run.log import KEPT, RUN_ID, is_held, new_run_id, runs_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    made = tmp_path / "pipelines" / "churn"
    made.mkdir(parents=True)
    return made


def _started(tasks: tuple[str, ...] = ("load",)) -> Event:
    return Event("run-started", data={"tasks": list(tasks), "parameters": {"n": 1}, "profile": None})


def test_a_real_run_is_written_down(pipeline: Any, step: Any, tmp_path: Path) -> None:
    pipeline.write({"load": step(["x = 1"], saves=["x"]), "train": step(["1 / 0"], ["load"], {"load": ["x"]})})

    with RunLog(pipeline.folder, command=("cellmill", "run", "churn")) as log:
        result = run_pipeline(pipeline.folder, listeners=(log,), run_id=log.run_id)

    assert result.run_id == log.run_id
    told = read_run(tmp_path, log.run_id).as_dict()
    assert told["state"] == "failed"
    assert told["pipeline"] == str(pipeline.folder)
    assert told["command"] == ["cellmill", "run", "churn"]
    assert [task["state"] for task in told["tasks"]] == ["done", "failed"]
    assert told["tasks"][1]["failure"]["cell_id"] == "train0"
    assert told["message"] == result.failure.sentence
    events = read_events(runs_folder(tmp_path) / log.run_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["data"]["run_id"] == log.run_id


def test_a_task_that_is_up_to_date_has_its_notebook_and_its_metrics(pipeline: Any, step: Any, tmp_path: Path) -> None:
    pipeline.write({"load": step(["churn_handover.metric('rows', 3)"], saves=[])})
    run_pipeline(pipeline.folder)

    with RunLog(pipeline.folder) as log:
        run_pipeline(pipeline.folder, listeners=(log,), run_id=log.run_id)

    (task,) = read_run(tmp_path, log.run_id).as_dict()["tasks"]
    assert (task["state"], task["metrics"]) == ("up-to-date", {"rows": 3})
    assert Path(task["notebook"]).is_file()


def test_a_run_goes_on_until_it_says_that_it_has_ended(folder: Path, tmp_path: Path) -> None:
    with RunLog(folder) as log:
        log(_started(("load", "train")))
        log(Event("task-started", "load", {"attempt": 1}))
        run = read_run(tmp_path, log.run_id)
        assert (run.state, run.over) == ("running", False)
        log(Event("cell-started", "load", {"cell": 2, "cells": 5, "cell_id": "a"}))
        assert run.refresh()
        assert run.as_dict()["tasks"][0]["cell"] == 2
        assert not run.refresh()
        log(Event("run-finished", data={"state": "succeeded", "seconds": 2.0}))
        run.refresh()
        assert (run.state, run.over) == ("succeeded", False)
        log.ended(mlflow={"url": "http://x", "experiment": "churn", "ui_command": None})
        assert run.refresh()
    assert run.over
    assert run.as_dict()["mlflow"]["url"] == "http://x"
    assert not is_held(run.record)


LOST = """
import os, sys
from pathlib import Path
from cellmill.run import RunLog
from cellmill.run.events import Event
log = RunLog(Path(sys.argv[1]))
log(Event("run-started", data={"tasks": ["load", "train"], "parameters": {}, "profile": None}))
log(Event("task-started", "load", {"attempt": 1}))
print(log.run_id, flush=True)
os._exit(9)
"""


def test_a_run_whose_process_is_gone_is_lost(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LOST, str(folder)], capture_output=True, text=True, check=False)

    told = read_run(tmp_path, done.stdout.strip()).as_dict()

    assert told["state"] == "lost"
    assert [task["state"] for task in told["tasks"]] == ["stopped", "not-run"]
    assert told["message"] == "The process ended without a word; run it again."


def test_a_refused_run_leaves_no_record_but_where_one_was_made_for_it(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CellmillError), RunLog(folder):
        raise CellmillError("there is no parameter m", remedy="accepted is n")
    assert list_runs(tmp_path) == []

    record = runs_folder(tmp_path) / new_run_id()
    record.mkdir(parents=True)
    (record / "run.json").write_text(json.dumps({"pipeline": str(folder), "started": 1.0}))
    with pytest.raises(CellmillError), RunLog(folder, record=record):
        raise CellmillError("there is no parameter m", remedy="accepted is n")
    told = read_run(tmp_path, record.name).as_dict()
    assert (told["state"], told["message"]) == ("refused", "there is no parameter m; accepted is n.")


@pytest.mark.parametrize(
    "error, state",
    [(KeyboardInterrupt(), "stopped"), (MemoryError("all gone"), "failed"), (CellmillError("no"), "failed")],
)
def test_whatever_ends_a_run_is_written_down(folder: Path, tmp_path: Path, error: BaseException, state: str) -> None:
    log = RunLog(folder)

    def run() -> None:
        with log:
            log(_started())
            raise error

    with pytest.raises(type(error)):
        run()

    assert read_run(tmp_path, log.run_id).state == state


def test_a_record_that_can_not_be_written_is_told_once_and_the_run_goes_on(folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".cellmill").write_text("in the way")
    notices: list[str] = []

    with RunLog(folder, on_notice=notices.append) as log:
        log(_started())
        log(Event("task-started", "load", {"attempt": 1}))
        log.ended(state="succeeded")

    assert len(notices) == 1
    assert notices[0].startswith("This run is not in the list of runs: ")


def test_a_full_disk_ends_the_record_and_not_the_run(folder: Path, tmp_path: Path) -> None:
    notices: list[str] = []
    with RunLog(folder, on_notice=notices.append) as log:
        log(_started())
        assert log._events is not None
        log._events.close()
        log._events = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the log closes it
        log(Event("task-started", "load", {"attempt": 1}))
        log(Event("task-finished", "load", {"seconds": 1.0}))

    assert [notice.partition(" can't be written")[2] for notice in notices] == [" (No space left on device)."]
    assert read_run(tmp_path, log.run_id).state == "lost"


def test_values_that_json_does_not_know_are_written_as_text(folder: Path, tmp_path: Path) -> None:
    with RunLog(folder) as log:
        log(_started())
        log(Event("task-finished", "load", {"seconds": 1.0, "metrics": {"path": Path("/x")}}))

    assert read_run(tmp_path, log.run_id).as_dict()["tasks"][0]["metrics"] == {"path": "/x"}


def test_a_line_that_is_being_written_is_read_when_it_is_whole(folder: Path, tmp_path: Path) -> None:
    with RunLog(folder) as log:
        log(_started())
        run = read_run(tmp_path, log.run_id)
        line = json.dumps({"seq": 2, "kind": "task-started", "task": "load", "data": {"attempt": 1}, "at": 1.0})
        with (run.record / "events.jsonl").open("a") as file:
            file.write(line[:20])
            file.flush()
            assert not run.refresh()
            file.write(line[20:] + "\n")
            file.flush()
            assert run.refresh()
        assert run.as_dict()["tasks"][0]["state"] == "running"


def test_old_records_go_and_runs_that_go_on_stay(folder: Path, tmp_path: Path) -> None:
    def record(at: int, pipeline: Path) -> Path:
        made = runs_folder(tmp_path) / f"20260101-{at:06d}-abcd"
        made.mkdir(parents=True)
        (made / "run.json").write_text(json.dumps({"pipeline": str(pipeline), "started": float(at)}))
        return made

    old = [record(at, folder) for at in range(KEPT + 5)]
    other = record(0 + 900_000, folder.with_name("other"))
    (old[0] / "lock").touch()
    import fcntl

    with (old[0] / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with RunLog(folder) as log:
            log(_started())

    left = {run.run_id for run in list_runs(tmp_path)}
    assert {old[0].name, other.name, log.run_id} <= left
    assert not {one.name for one in old[1:6]} & left
    assert len(list_runs(tmp_path, pipeline=folder)) == KEPT + 1


def test_runs_are_listed_newest_first_and_by_pipeline(folder: Path, tmp_path: Path) -> None:
    made = []
    for name in ("churn", "other", "churn"):
        with RunLog(folder.with_name(name)) as log:
            log(_started())
        made.append(log.run_id)

    assert {run.run_id for run in list_runs(tmp_path)} == set(made)
    assert len(list_runs(tmp_path, pipeline=folder)) == 2
    assert len(list_runs(tmp_path, limit=1)) == 1
    assert all(RUN_ID.fullmatch(one) for one in made)


def test_there_is_no_such_run(tmp_path: Path) -> None:
    for run_id in ("20260101-000000-abcd", "../../etc", "x"):
        with pytest.raises(CellmillError, match="there is no run"):
            read_run(tmp_path, run_id)


def test_a_record_that_is_no_record_is_left_aside(tmp_path: Path) -> None:
    record = runs_folder(tmp_path) / "20260101-000000-abcd"
    record.mkdir(parents=True)
    for content in ("", "[]", "{", "[" * 100_000):
        (record / "run.json").write_text(content)
        assert not LoggedRun(record).valid
        assert list_runs(tmp_path) == []


def test_ids_of_runs_sort_by_the_time_at_which_they_were_made() -> None:
    made = []
    for _ in range(20):
        made.append(new_run_id())
        time.sleep(0.002)

    assert made == sorted(made)
    assert all(RUN_ID.fullmatch(one) for one in made)
