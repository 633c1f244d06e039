"""``cellmill stop`` and ``cellmill run --wait``: real runs, stopped and waited for from another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from running import until

from cellmill.run.log import RunLog

Cellmill = Callable[..., Result]

SLOW = (
    "from pathlib import Path\nimport time\nPath('begun').touch()\n"
    "while not Path('fast').exists():\n    time.sleep(0.05)\nn = 1"
)


@pytest.fixture
def slow(project: Path, write_notebook: Callable[..., Path], cellmill: Cellmill) -> Path:
    """A promoted notebook whose first step waits until there is a file `fast`."""
    write_notebook([(SLOW, ["step:load"]), ("m = n + 1", ["step:train"])])
    assert cellmill("promote", "notebooks/churn.ipynb").exit_code == 0
    return project / "notebooks"


@pytest.fixture
def start(project: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command in the background."""
    begun: list[subprocess.Popen[str]] = []

    def call(*arguments: str) -> subprocess.Popen[str]:
        program = Path(sys.executable).with_name("cellmill")
        begun.append(
            subprocess.Popen(
                [str(program), *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=project,
                env=os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db"},
            )
        )
        return begun[-1]

    yield call
    for process in begun:
        process.kill()
        process.communicate()


def told(cellmill: Cellmill) -> list[dict[str, Any]]:
    runs = json.loads(cellmill("runs", "--json").output)["runs"]
    return sorted(runs, key=lambda run: float(run["started"]))


def test_a_run_is_stopped_from_another_terminal(
    slow: Path, start: Callable[..., subprocess.Popen[str]], cellmill: Cellmill
) -> None:
    assert "nothing of churn runs now" in cellmill("stop", "churn").output
    running = start("run", "churn")
    until((slow / "begun").exists)
    (run,) = told(cellmill)
    assert (run["state"], run["ended_at"]) == ("running", None)

    result = cellmill("stop", "churn")

    assert (result.exit_code, result.output) == (0, f"Run {run['run_id']} of churn: stopped.\n")
    assert running.wait(10) == 130
    (run,) = told(cellmill)
    assert run["state"] == "stopped"
    assert run["started"] < run["ended_at"] <= time.time()
    again = cellmill("stop", run["run_id"])
    assert (again.exit_code, again.output) == (
        1,
        f"Error: run {run['run_id']} does not run any more: it was stopped.\n",
    )


def test_a_second_run_is_refused_or_waits_its_turn(
    slow: Path, start: Callable[..., subprocess.Popen[str]], cellmill: Cellmill
) -> None:
    first = start("run", "churn")
    until((slow / "begun").exists)

    refused = cellmill("run", "churn")
    waiting = [start("run", "churn", "--wait") for _ in range(2)]
    until(lambda: [run["state"] for run in told(cellmill)] == ["running", "queued", "queued"])

    assert refused.exit_code == 1
    assert "another run is writing there; wait until it has ended (--wait) or stop it (cellmill stop)" in refused.output
    unwanted = told(cellmill)[-1]["run_id"]
    assert cellmill("stop", unwanted).output == f"Run {unwanted} of churn: stopped.\n"
    (slow / "fast").touch()
    assert first.wait(60) == 0
    outputs = [process.communicate(timeout=60)[0] for process in waiting]
    assert sorted(process.returncode for process in waiting) == [0, 130]
    went_on = next(text for process, text in zip(waiting, outputs, strict=True) if process.returncode == 0)
    assert "Waiting until the run of churn that goes on has ended" in went_on
    assert "up to date" in went_on
    assert [run["state"] for run in told(cellmill)] == ["succeeded", "succeeded", "stopped"]


def test_a_run_that_can_not_be_reached_is_not_called_stopped(slow: Path, cellmill: Cellmill) -> None:
    from cellmill.run.events import Event

    folder = slow.parent / "pipelines" / "churn"
    with RunLog(folder, source="cli") as log:
        log(Event("run-started", data={"pipeline": "churn", "tasks": [], "parameters": {}, "profile": None}))
        header = log._record / "run.json"
        header.write_text(json.dumps(json.loads(header.read_text()) | {"pid": 1}))
        result = cellmill("stop", log.run_id)

    assert result.exit_code == 1
    assert result.output == (
        f"Error: the process of run {log.run_id} can't be reached from here; stop it where it was started.\n"
    )
