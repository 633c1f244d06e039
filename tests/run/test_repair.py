"""`--repair` runs what the last run left undone, with its values, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cellmill.errors import CellmillError
from cellmill.run import RunLog, RunResult, dry_run, list_runs, run_pipeline


@pytest.fixture
def churn(pipeline: Any, step: Any) -> Any:
    """A step that fails, one after it, and one that has nothing to do with either."""
    return pipeline.write(
        {
            "load": step(["xs = list(range(n))\nprint('length', len(xs))"], params=["n"]),
            "side": step(["z = 1"], ["load"]),
            "train": step(["print('rate', rate, 'of', n)\nassert n < 0"], ["load"], params=["n", "rate"]),
            "report": step(["print('report')"], ["train"]),
        },
        env={"n": 3, "rate": 0.5},
        settings={"parameters": {"n": {"type": "int", "default": 3}, "rate": {"type": "float", "default": 0.5}}},
    )


def run(pipeline: Any, **options: Any) -> RunResult:
    with RunLog(pipeline.folder) as log:
        return run_pipeline(pipeline.folder, listeners=[log], run_id=log.run_id, jobs=1, **options)


def states(result: RunResult) -> dict[str, str]:
    return {task.name: task.state for task in result.tasks}


def test_what_failed_and_what_follows_runs_again_and_nothing_else(churn: Any) -> None:
    churn.dump("env.fast.yaml", {"rate": 0.9})
    with pytest.raises(CellmillError, match="there is no run to repair"):
        run(churn, repair=True)
    failed = run(churn, parameters={"n": 5}, profile="fast")
    assert states(failed) == {"load": "succeeded", "side": "succeeded", "train": "failed", "report": "not-run"}
    task = churn.task_file("train")
    task.write_text(task.read_text().replace("assert n < 0", "assert n > 0"))
    side = churn.task_file("side")
    side.write_text(side.read_text().replace("z = 1", "z = 2"))

    told = dry_run(churn.folder, repair=True)

    assert [task.name for task in told.tasks if task.state == "would-run"] == ["train", "report"]
    (notice,) = told.notices
    assert notice.startswith("Step side is outdated and no part of the repair")
    repaired = run(churn, repair=True)
    assert states(repaired) == {"load": "not-run", "side": "not-run", "train": "succeeded", "report": "succeeded"}
    assert "rate 0.9 of 5" in churn.text_of("train")
    with pytest.raises(CellmillError, match=f"there is nothing to repair: the last run, {repaired.run_id}, succeeded"):
        run(churn, repair=True)
    with pytest.raises(CellmillError, match="there is nothing to repair"):
        dry_run(churn.folder, repair=True)


def test_a_lost_run_is_repaired_from_the_step_in_which_it_was_lost(churn: Any) -> None:
    run(churn, from_="load")
    (lost,) = list_runs(churn.project)
    events = lost.record / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    begun = next(place for place, line in enumerate(lines) if '"task-started", "task": "train"' in line)
    events.write_text("".join(lines[: begun + 1]))
    (lost.record / "end.json").unlink()
    assert list_runs(churn.project)[0].state == "lost"

    told = dry_run(churn.folder, repair=True)

    assert [task.name for task in told.tasks if task.state == "would-run"] == ["train", "report"]
    with pytest.raises(CellmillError, match="--repair goes with no other choice of steps, parameters or profile"):
        dry_run(churn.folder, repair=True, parameters={"n": 4})
