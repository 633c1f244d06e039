"""run and verify as users call them: exit codes, lines, the next command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Cellmill = Callable[..., Result]


@pytest.fixture
def churn(cellmill: Cellmill, write_notebook: Any, project: Path) -> Path:
    """A promoted pipeline."""
    write_notebook()
    assert cellmill("promote", "notebooks/churn.ipynb").exit_code == 0
    return project / "pipelines/churn"


def test_a_run_tells_each_step_and_where_to_look(churn: Path, command: Any) -> None:
    done = command("run", "churn", "-p", "n=5")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "churn: 2 steps, n=5"
    assert lines[1:3] == ["[1/2] load: started", "[1/2] load: inputs (1/5)"]
    assert any(line.startswith("[2/2] train: done in ") for line in lines)
    closing = next(place for place, line in enumerate(lines) if line.startswith("Succeeded in "))
    assert lines[closing].endswith(": 2 steps done.")
    assert lines[closing + 1] == "Reports: pipelines/churn/output/*.html"
    assert lines[closing + 2].startswith("MLflow: experiment churn, run ")
    assert "Traceback" not in done.stderr

    done = command("run", "pipelines/churn", "-p", "n=5")
    assert done.returncode == 0
    assert "[2/2] train: up to date" in done.stdout
    # What ran is recorded already; that nothing had to run again is not.
    assert "MLflow" not in done.stdout


def test_a_failed_run_exits_with_1_and_gives_the_next_command(
    cellmill: Cellmill, command: Any, write_notebook: Any, project: Path
) -> None:
    write_notebook([("xs = [1]", ["step:load"]), ("a = 1\n\nb = xs[a]", ["step:train"])])
    cellmill("promote", "notebooks/churn.ipynb")

    done = command("run", "churn")

    assert done.returncode == 1
    assert done.stderr == (
        "Error: notebooks/churn.ipynb, cell 2, line 3 (step train): IndexError: list index out of range; "
        "open pipelines/churn/output/train.ipynb.\n"
    )
    assert "Failed in " in done.stdout
    assert ": 1 step failed, 1 done." in done.stdout
    assert "Next:    correct cell 2 of notebooks/churn.ipynb, then\n" in done.stdout
    assert "         cellmill run pipelines/churn --from train\n" in done.stdout


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["nix"], "there is no pipeline nix; the pipelines are churn."),
        (["chrun"], "there is no pipeline chrun; did you mean churn?"),
        (["notebooks"], "notebooks: this folder is not a pipeline: it has no pipeline.yaml."),
        (
            ["notebooks/churn.ipynb"],
            "this is a notebook, not a pipeline; promote it with `cellmill promote notebooks/churn.ipynb`",
        ),
        (["churn", "-p", "m=1"], "there is no parameter m; accepted are n (int, default 3)."),
        (["churn", "-p", "n=many"], "parameter n takes an int, not many."),
        (["churn", "--env", "prod"], "there is no profile prod"),
        (["churn", "--only", "trian"], "there is no step trian; did you mean train?"),
    ],
)
def test_wrong_words_are_told_before_anything_starts(
    churn: Path, cellmill: Cellmill, arguments: list[str], sentence: str
) -> None:
    result = cellmill("run", *arguments)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (churn / "output/load.ipynb").exists()


def test_only_and_from_exclude_each_other(churn: Path, cellmill: Cellmill) -> None:
    assert cellmill("run", "churn", "--only", "load", "--from", "load").exit_code == 2


def test_ctrl_c_exits_with_130(cellmill: Cellmill, write_notebook: Any, project: Path) -> None:
    write_notebook([("xs = [1]", ["step:load"]), ("import time\nopen('begun', 'w')\ntime.sleep(60)", ["step:train"])])
    cellmill("promote", "notebooks/churn.ipynb")
    program = str(Path(sys.executable).with_name("cellmill"))
    running = subprocess.Popen(
        [program, "run", "churn", "--jobs", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 120
    while not (project / "notebooks/begun").exists():
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.05)

    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "[2/2] train: stopped after " in out
    assert "Stopped in " in out
    assert ": 1 step stopped, 1 done." in out
    assert "Next:    cellmill run pipelines/churn --jobs 1\n" in out
    assert "Traceback" not in err


def test_verify_exits_by_what_it_finds(churn: Path, command: Any, write_notebook: Any) -> None:
    done = command("promote", "notebooks/churn.ipynb", "--verify")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "pipelines/churn is current" in done.stdout
    assert "show the same in the pipeline" in done.stdout

    task = churn / "tasks/train.py"
    task.write_text(task.read_text().replace("double(sum(xs))", "double(sum(xs)) + 1"))
    done = command("verify", "pipelines/churn")
    assert done.returncode == 1
    assert "1 of 2 cells differ" in done.stdout or "differ in the pipeline" in done.stdout
