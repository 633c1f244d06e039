"""Steps that don't need each other run at once, up to `--jobs`; what they are and what they leave stays the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cellmill.errors import CellmillError
from cellmill.run import Event, RunLog, run_pipeline

WAITS = "import time\nbegan = time.time()\ntime.sleep({seconds})\nprint(began, time.time())\n"


def cellmill(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("cellmill")), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of one step, two that need only that, and one that needs both."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "pyproject.toml").write_text("")
    steps = {
        "load": "rows = [1, 2]",
        "left": WAITS.format(seconds=2) + "left = sum(rows)",
        "right": WAITS.format(seconds=2) + "right = max(rows)",
        "join": "print(left + right)",
    }
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for step, source in steps.items():
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [f"step:{step}"]}))
    nbformat.write(notebook, folder / "study.ipynb")
    promoted = cellmill(folder, "promote", "study.ipynb")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    return folder


def shown(project: Path, step: str) -> str:
    executed = nbformat.read(project / "pipelines" / "study" / "output" / f"{step}.ipynb", as_version=4)
    return "".join(one.get("text", "") for cell in executed.cells for one in cell.get("outputs", ()))


def overlap(project: Path) -> bool:
    (left, left_end), (right, right_end) = (map(float, shown(project, step).split()) for step in ("left", "right"))
    return left < right_end and right < left_end


def test_independent_steps_run_at_once(project: Path) -> None:
    done = cellmill(project, "run", "study", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert overlap(project)
    assert shown(project, "join") == "5\n"
    again = cellmill(project, "run", "study", "--jobs", "2")
    assert "4 steps up to date" in again.stdout, again.stdout


def test_one_at_a_time_where_that_is_asked_for(project: Path) -> None:
    done = cellmill(project, "run", "study", "--force", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not overlap(project)


def test_a_failure_beside_lets_the_others_end(project: Path) -> None:
    task = project / "pipelines" / "study" / "tasks" / "left.py"
    text = task.read_text()
    task.write_text(text.replace("left = sum(rows)", "left = rows[7]"))
    try:
        done = cellmill(project, "run", "study", "--force", "--jobs", "2")
    finally:
        task.write_text(text)
    assert done.returncode == 1
    assert "IndexError" in done.stderr
    assert "right: done in" in done.stdout
    assert "join: not run: left failed" in done.stdout


def test_a_number_of_jobs_that_is_none_is_refused(project: Path) -> None:
    done = cellmill(project, "run", "study", "--jobs", "0")
    assert done.returncode == 2
    assert "--jobs" in done.stderr


def _three(pipeline: Any, step: Any, settings: dict[str, Any]) -> Any:
    show = "import os, time\nprint(os.environ.get('CUDA_VISIBLE_DEVICES'))\ntime.sleep(0.3)"
    steps = {name: step([show]) for name in ("a", "b", "c")}
    return pipeline.write(steps, settings={"steps": settings})


def test_what_took_longest_goes_first_and_shares_are_kept(
    pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    _three(pipeline, step, {"a": {"cpus": 2}, "b": {"gpus": 1, "memory": "1MB"}, "c": {"gpus": 1}})
    with RunLog(pipeline.folder) as log:
        log(Event("run-started", data={"tasks": ["a", "b", "c"], "parameters": {}, "profile": None}))
        log(Event("task-finished", "c", {"seconds": 100.0}))
        log(Event("run-finished", data={"state": "succeeded", "seconds": 100.0}))
    told: list[tuple[str, str | None]] = []

    result = run_pipeline(pipeline.folder, jobs=2, listeners=[lambda event: told.append((event.kind, event.task))])

    assert result.state == "succeeded"
    seen = [one for one in told if one[0] in ("task-started", "task-finished")]
    # It needs both.
    assert seen[-2:] == [("task-started", "a"), ("task-finished", "a")]
    # Who goes first has the first device.
    assert [pipeline.text_of(name).strip() for name in "abc"] == ["4,7", "7", "4"]


def test_what_there_is_not_enough_of_is_told(pipeline: Any, step: Any) -> None:
    _three(pipeline, step, {"b": {"memory": "900TB"}})
    told: list[Event] = []

    assert run_pipeline(pipeline.folder, only="b", jobs=2, listeners=[told.append]).state == "succeeded"

    (notice,) = [event.data["text"] for event in told if event.kind == "notice"]
    assert notice.startswith("Step b asks for 900,000.0 GB of memory, and there are ")
    assert notice.endswith("GB; nothing runs beside it.")
    pipeline.dump("cellmill.yaml", {"steps": {"a": {"memory": "4 apples"}}})
    with pytest.raises(CellmillError, match=r"steps\.a\.memory: could not interpret byte unit"):
        run_pipeline(pipeline.folder)


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5"])
def test_a_bad_number_of_jobs_in_the_environment_is_told(
    project: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLMILL_JOBS", given)
    done = cellmill(project, "run", "study")
    assert done.returncode == 1
    assert f"CELLMILL_JOBS is '{given}'" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
