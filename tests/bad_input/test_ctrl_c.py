"""Ctrl-C as a terminal sends it, to the whole process group: kernels gone, nothing half written, exit code 130."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import nbformat

# The step load lies apart, around the step other.
SLOW: tuple[tuple[str, str | None], ...] = (
    ("import os\nimport time", "shared"),
    ("xs = [1]", "step:load"),
    ("ys = [10]", "step:other"),
    ("xs.append(2)", "step:load"),
    ("total = sum(xs + ys)", "step:train"),
    ("open('begun', 'w').close()\nwhile not os.path.exists('fast'):\n    time.sleep(0.05)\nprint(total)", "step:train"),
)


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def stopped(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C: what the command still says before it exits with 130."""
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    assert err.count("\n") == 1, err
    return out, err


def test_ctrl_c_in_a_step_stops_the_run_and_the_next_one_goes_on(project: Any) -> None:
    project.write(*SLOW)
    project.promote()
    output = project.pipeline / "output"
    begun = project.root / "notebooks/begun"
    running = project.start("run", "churn")
    until(begun.exists, running)
    assert len(project.processes()) > 1
    made = {name: content for name, content in project.listing(output).items() if "train" not in name}

    out, err = stopped(running)

    assert err == (
        "notebooks/churn.ipynb, cell 6, line 3 (step train): stopped; the next run goes on from here.\n"
    ) or err.startswith("notebooks/churn.ipynb, cell 6, line 2 (step train): stopped;")
    assert "[3/3] train: stopped after " in out
    assert ": 1 step stopped, 2 done." in out
    assert "Next:    cellmill run pipelines/churn\n" in out
    assert project.processes() == []
    left = project.listing(output)
    assert {name: content for name, content in left.items() if "train" not in name} == made
    assert {name for name in left if "train" in name} == {"train", "train.ipynb", "train.html"}
    nbformat.validate(nbformat.read(output / "train.ipynb", as_version=4))
    assert (output / "train.html").read_text().rstrip().endswith("</html>")
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database:
        states = {state for (state,) in database.execute("select status from runs")}
    assert states == {"FINISHED", "KILLED"}

    (project.root / "notebooks/fast").touch()
    done = project.cellmill("run", "churn")
    assert done.returncode == 0, done.stderr
    assert "[1/3] load: up to date" in done.stdout
    assert "[2/3] other: up to date" in done.stdout
    assert "[3/3] train: done in " in done.stdout
    assert '"13\\n"' in (output / "train.ipynb").read_text()


def test_ctrl_c_before_the_first_step_leaves_nothing(churn: Any) -> None:
    before = churn.listing()
    running = churn.start("run", "churn")
    until((churn.pipeline / "output/.lock").exists, running)

    _, err = stopped(running)

    assert err == "Stopped; the next run goes on from here.\n"
    assert churn.processes() == []
    after = churn.listing()
    assert after.keys() - before.keys() == {"pipelines/churn/output", "pipelines/churn/output/.lock"}


def test_ctrl_c_while_a_notebook_is_read_leaves_nothing(project: Any) -> None:
    os.mkfifo(project.notebook)
    before = project.listing()
    running = project.start("promote", "notebooks/churn.ipynb")
    # Opens when the command opens the other end, and then waits for what is never written.
    with project.notebook.open("wb", buffering=0):
        _, err = stopped(running)

    assert err == "Stopped.\n"
    assert project.listing() == before
