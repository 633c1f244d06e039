"""The listener and its recording process: what a run waits for, and what it does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil

from cellmill.run.events import Event
from cellmill.track import Tracker

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from conftest import Project

STARTED = Event("run-started", data={"run_id": "r1", "tasks": ["load"], "parameters": {"day": "x"}})
FINISHED = Event("run-finished", data={"state": "succeeded", "seconds": 1.0})


def recording_process() -> psutil.Process:
    """Find it among this process's children; one that was started just now may not have its own name yet."""
    limit = time.monotonic() + 30
    while True:
        alive = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
        found = [child for child in alive if "cellmill.track.worker" in child.cmdline()]
        if found or time.monotonic() > limit:
            (process,) = found
            return process
        time.sleep(0.05)


def test_a_run_is_recorded_without_mlflow_in_its_own_process(project: Project, records: Any) -> None:
    code = """
import sys
from pathlib import Path
from cellmill.run.events import Event
from cellmill.track import Tracker
tracker = Tracker(Path(sys.argv[1]))
tracker(Event("run-started", data={"run_id": "r1", "tasks": ["load"], "parameters": {"day": Path("x")}}))
tracker(Event("task-started", "load", {"attempt": 1}))
tracker(Event("cell-started", "load", {"cell": 1}))
assert tracker.run_id is None, "nobody waited"
assert tracker.task_environment("load")["MLFLOW_RUN_ID"]
tracker(Event("task-finished", "load", {"metrics": {"rows": float("nan")}}))
tracker(Event("run-finished", data={"state": "succeeded", "seconds": 1}))
assert "mlflow" not in sys.modules
print(*tracker.closing_lines, tracker.notices, sep="\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(project.folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    run = records().run("churn r1")
    assert run.info.status == "FINISHED"
    assert run.data.params == {"day": "x"}
    assert done.stdout.splitlines() == [
        f"MLflow: experiment churn-experiment, run {run.info.run_id}",
        f'  mlflow ui --backend-store-uri "sqlite:///{project.root}/mlflow.db"',
        f"  http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}",
        "[]",
    ]


def test_a_server_is_named_where_it_is_used_and_a_spool_where_not(
    project: Project, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:1")
    (elsewhere / "mlflow.py").write_text("raise SystemExit")
    said: list[str] = []
    tracker = Tracker(project.folder, on_notice=said.append)
    tracker(STARTED)
    tracker(FINISHED)
    assert said == tracker.notices
    assert ["http://127.0.0.1:1 can't be used (connection refused)" in notice for notice in said] == [True]
    assert tracker.url is None
    assert "cellmill track push" in tracker.closing_lines[0]
    assert "secret" not in "".join([*said, *tracker.closing_lines])
    tracker.close()
    spool = next(project.root.glob(".cellmill/spool/*/spool.json"))
    assert spool.stat().st_mode & 0o077 == 0, "it holds the password"


def test_a_run_that_loses_its_recording_process_goes_on(project: Project) -> None:
    tracker = Tracker(project.folder)
    tracker(STARTED)
    assert tracker.task_environment("load")
    recording_process().kill()
    tracker(Event("task-finished", "load", {}))
    assert tracker.task_environment("train") == {}
    tracker(FINISHED)
    tracker.close()
    assert ["recording process ended" in notice for notice in tracker.notices] == [True]


def test_a_run_that_is_killed_is_recorded_as_killed(project: Project, records: Any) -> None:
    code = """
import os, signal, sys, time
from pathlib import Path
from cellmill.run.events import Event
from cellmill.track import Tracker
tracker = Tracker(Path(sys.argv[1]))
tracker(Event("run-started", data={"run_id": "r1", "tasks": ["load"], "parameters": {}}))
tracker.task_environment("load")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, str(project.folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    limit = time.monotonic() + 120
    while any(run.info.status == "RUNNING" for run in records().runs()):
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert [run.info.status for run in records().runs()] == ["KILLED", "KILLED"]


def test_what_a_run_told_before_it_was_killed_is_recorded(project: Project, records: Any) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from cellmill.run.events import Event
from cellmill.track import Tracker
tracker = Tracker(Path(sys.argv[1]))
tracker(Event("run-started", data={"run_id": "r1", "tasks": ["load"], "parameters": {}}))
tracker(Event("task-started", "load", {"attempt": 1}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(project.folder)], check=False)
    limit = time.monotonic() + 60
    while sorted(run.info.status for run in records().runs()) != ["KILLED", "KILLED"]:
        assert time.monotonic() < limit, "nobody listened to the recorder's answers any more"
        time.sleep(0.1)


def test_ctrl_c_reaches_the_run_and_not_its_recording(project: Project, records: Any) -> None:
    tracker = Tracker(project.folder)
    assert os.getpgid(recording_process().pid) != os.getpgid(0)
    tracker(STARTED)
    tracker.close()
    tracker.close()
    assert records().run("churn r1").info.status == "KILLED"
    assert tracker.task_environment("load") == {}
