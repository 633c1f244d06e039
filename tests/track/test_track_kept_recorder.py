"""Programs that run pipelines again and again: what recording has imported stays for the next run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are kept on Linux only")

PROGRAM = """
import os, signal, sys
from pathlib import Path
import psutil
from cellmill.run.events import Event
from cellmill.run.warm import keep_warm_processes
from cellmill.track import Tracker
keep_warm_processes()
folder = Path(sys.argv[1])

def kept():
    children = psutil.Process().children()
    return [one for one in children if "cellmill.track.recorder_fork_server" in one.cmdline()]

def run(name):
    tracker = Tracker(folder)
    tracker(Event("run-started", data={"run_id": name, "tasks": ["load"], "parameters": {}}))
    assert tracker.task_environment("load") != {} or tracker.notices
    tracker(Event("run-finished", data={"state": "succeeded", "seconds": 1.0}))
    print(name, kept()[0].pid, *tracker.notices, flush=True)
"""


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what happens soon."""
    limit = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.05)


def program(project: Project, code: str, **variables: str) -> list[list[str]]:
    """Run it; gives the words of each line that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + code, str(project.folder)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stderr == ""
    return [line.split(maxsplit=2) for line in done.stdout.splitlines()]


def states(records: Any) -> dict[str, str]:
    return {run.info.run_name: run.info.status for run in records.runs()}


def test_one_process_serves_all_runs_of_a_program_and_ends_with_it(
    project: Project, records: Any, elsewhere: Path
) -> None:
    code = """
run("r1")
Tracker(folder).close()  # refused
run("r2")
os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///other.db"
run("r3")
os._exit(0)
"""
    (_, first), (_, second), (_, third) = program(project, code)
    assert first == second == third
    until(lambda: not psutil.pid_exists(int(first)))
    assert states(records()) == {"churn r1": "FINISHED", "churn r2": "FINISHED", "load": "KILLED"}
    # Each run is of its own variables and folder.
    assert states(records(f"sqlite:///{elsewhere}/other.db")) == {"churn r3": "FINISHED", "load": "KILLED"}


def test_a_run_whose_program_is_killed_is_recorded_as_killed(project: Project, records: Any) -> None:
    code = """
run("r1")
tracker = Tracker(folder)
tracker(Event("run-started", data={"run_id": "r2", "tasks": ["load"], "parameters": {}}))
tracker.task_environment("load")
print("killed", kept()[0].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    (_, (_, server)) = program(project, code)
    until(lambda: "RUNNING" not in states(records()).values())
    assert states(records())["churn r2"] == "KILLED"
    until(lambda: not psutil.pid_exists(int(server)))


def test_a_process_that_was_killed_is_replaced(project: Project, records: Any) -> None:
    code = """
run("r1")
process = kept()[0]
process.kill()
process.wait()
run("r2")
"""
    (_, first), (_, second) = program(project, code)
    assert first != second
    assert states(records())["churn r2"] == "FINISHED"


def test_packages_installed_between_two_runs_count(project: Project, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    code = f"""
run("r1")
Path({str(tmp_path)!r}, "site", "mlflow.py").write_text("raise ImportError('half installed')")
run("r2")
"""
    first, second = program(project, code, PYTHONPATH=str(tmp_path / "site"))
    assert len(first) == 2
    assert second[1] == first[1]
    assert "half installed" in second[2]
