"""What a run leaves in the project's own MLflow store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.run.events import Event

if TYPE_CHECKING:
    from conftest import Project, Told

SENTENCE = "notebooks/churn.ipynb, cell 4, line 2 (step train): ValueError: no rows."
FAILURE = {"kind": "error", "sentence": SENTENCE}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_run_has_a_run_for_each_task_with_all_that_is_known(project: Project, told: Told, records: Any) -> None:
    git(project.root, "init", "-q", "-b", "trunk")
    git(project.root, "add", "pyproject.toml", "notebooks")
    git(project.root, "commit", "-qm", "first")
    (project.root / "pyproject.toml").write_text("# changed")
    told.start(test_size=0.2, name="x")
    told.task("load", test_size=0.2)
    told.done(
        "load",
        notebook=str(project.product("load.ipynb", "executed")),
        report=str(project.product("load.html", "report")),
        variables=str(project.product("load/variables.json", '{"metrics": {"rows": 7}, "criteria": []}')),
    )
    told.task("train")
    told.done("train", metrics={"accuracy": 0.9, "AUC@5%": 1, "note": "text", "worst": float("-inf")})
    told.finish()

    assert told.notices == []
    found = records()
    run, load, train = found.run("churn r1"), found.run("load"), found.run("train")
    assert [run.info.status, load.info.status, train.info.status] == ["FINISHED"] * 3
    assert [found.parent(run), found.parent(load), found.parent(train)] == [None, "churn r1", "churn r1"]
    assert run.data.params == {"test_size": "0.2", "name": "x"}
    assert load.data.params == {"test_size": "0.2"}
    assert load.data.metrics == {"rows": 7, "duration_seconds": 1.5}
    assert train.data.metrics.items() >= {"accuracy": 0.9, "AUC_5_": 1.0, "duration_seconds": 1.5}.items()
    assert train.data.metrics["worst"] < -1e308
    assert "note" not in train.data.metrics
    assert run.data.metrics.items() >= {"duration_seconds": 3.25, "load/rows": 7, "train/accuracy": 0.9}.items()
    artifacts = found.artifacts(load)
    assert artifacts["notebook/load.ipynb"] == "executed"
    assert artifacts["report/load.html"] == "report"
    assert '"rows": 7' in artifacts["outputs.json"]
    assert "notebook_sha256" in found.artifacts(run)["promotion.json"]
    assert (
        run.data.tags.items()
        >= {
            "cellmill.state": "succeeded",
            "cellmill.pipeline": "churn",
            "cellmill.profile": "test",
            "cellmill.notebook_sha256": "0" * 64,
            "cellmill.notebook_changed": "true",
            "cellmill.promoted.git_commit": "abc",
            "cellmill.promoted.git_dirty": "true",
            "cellmill.git_dirty": "true",
            "mlflow.source.git.branch": "trunk",
            "mlflow.source.git.commit": git(project.root, "rev-parse", "HEAD"),
            "version.python": ".".join(map(str, sys.version_info[:3])),
        }.items()
    )
    assert run.data.tags["version.nbformat"] != "5.0.0", "the version that ran, not the one promoted with"
    assert load.data.tags["cellmill.task"] == "load"


def test_everything_lies_beside_the_store_and_nothing_in_the_current_folder(
    new_project: Project, tell: Any, records: Any, elsewhere: Path
) -> None:
    told = tell("r1").start()
    told.task("load")
    told.done("load", notebook=str(new_project.product("load.ipynb")))
    told.finish()

    found = records()
    assert found.client.get_experiment_by_name("Default").artifact_location.startswith(
        (new_project.root / "mlartifacts").as_uri()
    )
    assert list((new_project.root / "mlartifacts").rglob("load.ipynb"))
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in new_project.root.iterdir()} == {
        "mlartifacts",
        "mlflow.db",
        "notebooks",
        "pipelines",
        "pyproject.toml",
    }
    experiment = found.client.get_experiment_by_name("churn-experiment").experiment_id
    assert told.recorder.state.run_id == found.run("churn r1").info.run_id
    assert told.recorder.state.experiment_id == experiment


def test_a_failed_task_fails_its_run_and_the_parent(project: Project, told: Told, records: Any) -> None:
    told.start()
    told.task("load", rows=3)
    told.done("load")
    told.task("train")
    project.product("train.metrics.json", '{"metrics": {"loss": 0.5}, "criteria": [{"met": false}]}')
    told.failed("train", notebook=str(project.product("train.ipynb", "half")))
    told.take(Event("task-skipped", "report", {"reason": "train failed"}))
    told.finish("failed")

    found = records()
    run, train = found.run("churn r1"), found.run("train")
    assert [run.info.status, train.info.status, found.run("load").info.status] == ["FAILED", "FAILED", "FINISHED"]
    assert train.data.tags["cellmill.failure"] == SENTENCE
    assert run.data.tags["cellmill.failure"] == SENTENCE
    assert run.data.tags["cellmill.failed_tasks"] == "train"
    assert run.data.tags["cellmill.skipped"] == "train failed: report"
    assert train.data.metrics["loss"] == 0.5
    artifacts = found.artifacts(train)
    assert artifacts["notebook/train.ipynb"] == "half"
    assert "Traceback: ValueError" in artifacts["failure.txt"]
    assert '"met": false' in artifacts["outputs.json"]


def test_metrics_that_an_earlier_run_left_on_disk_are_not_recorded(project: Project, told: Told, records: Any) -> None:
    import os

    stale = project.product("train.metrics.json", '{"metrics": {"loss": 0.5}}')
    os.utime(stale, (time.time() - 600, time.time() - 600))
    told.start()
    told.task("train")
    told.failed("train")
    told.finish("failed")
    assert "loss" not in records().run("train").data.metrics


def test_a_stopped_run_is_killed_not_failed(told: Told, records: Any) -> None:
    told.start()
    told.task("load")
    told.failed("load", kind="stopped")
    told.task("train", size=1)
    told.finish("stopped")

    found = records()
    assert [found.run(name).info.status for name in ("churn r1", "load", "train")] == ["KILLED"] * 3
    assert found.run("train").data.params == {"size": "1"}


def test_a_run_whose_end_is_never_told_is_killed(told: Told, records: Any) -> None:
    told.start()
    told.task("load")
    told.recorder.abandon()
    assert [records().run(name).info.status for name in ("churn r1", "load")] == ["KILLED"] * 2
    assert told.environment("load") == {}


def test_attempts_before_the_last_one_lie_under_it(told: Told, records: Any) -> None:
    told.start()
    first = told.task("train", attempt=1)["MLFLOW_RUN_ID"]
    told.take(Event("task-retried", "train", {"attempt": 1, "attempts": 3, "failure": FAILURE}))
    told.task("train", attempt=2)
    told.take(Event("task-retried", "train", {"attempt": 2, "attempts": 3, "failure": FAILURE}))
    last = told.task("train", attempt=3, size=1)["MLFLOW_RUN_ID"]
    told.done("train")
    told.finish()

    found = records()
    train = found.run("train")
    assert train.info.run_id == last != first
    assert (train.info.status, found.parent(train), train.data.tags["cellmill.attempt"]) == (
        "FINISHED",
        "churn r1",
        "3",
    )
    assert found.run("churn r1").info.status == "FINISHED"
    for name in ("train (attempt 1)", "train (attempt 2)"):
        earlier = found.run(name)
        assert (earlier.info.status, found.parent(earlier)) == ("FAILED", "train")
        assert earlier.data.tags["cellmill.failure"] == SENTENCE


def test_tasks_that_are_up_to_date_are_told_on_the_parent_only(told: Told, records: Any) -> None:
    told.start()
    for task in ("load", "train"):
        told.take(Event("task-skipped", task, {"reason": "up to date", "up_to_date": True}))
    told.finish()

    assert [run.info.run_name for run in records().runs()] == ["churn r1"]
    assert records().run("churn r1").data.tags["cellmill.skipped"] == "up to date: load, train"


def test_what_the_kernel_leaves_as_the_status_does_not_last(told: Told, records: Any) -> None:
    told.start()
    run_id = told.task("train")["MLFLOW_RUN_ID"]
    client = records().client
    nested = client.create_run(client.get_run(run_id).info.experiment_id, tags={"mlflow.parentRunId": run_id})
    told.failed("train")
    told.environment("load")  # waits until the failure is recorded
    client.set_terminated(run_id, "FINISHED")  # MLflow's own exit handler, in a kernel that takes long to end
    told.finish("failed")
    assert client.get_run(run_id).info.status == "FAILED"
    assert client.get_run(nested.info.run_id).info.status == "FAILED"


def test_it_never_raises_into_the_run(new_project: Project, tell: Any) -> None:
    (new_project.folder / "cellmill.yaml").write_text("experimnt: typo")
    told = tell("r1").start()
    assert told.task("load") == {}
    told.finish()
    assert len(told.notices) == 1
    assert "experimnt" in told.notices[0]


def test_a_store_that_cannot_be_written_leaves_the_run_in_a_spool(
    new_project: Project, tell: Any, records: Any
) -> None:
    (new_project.root / "mlflow.db").mkdir()
    began = time.monotonic()
    told = tell("r1")
    environment = told.start().task("load")
    told.done("load")
    told.finish()

    assert time.monotonic() - began < 60, "MLflow itself tries again for minutes"
    assert len(told.notices) == 1
    assert "unable to open database file" in told.notices[0]
    assert "cellmill track push" in told.notices[0]
    spool = new_project.root / ".cellmill" / "spool" / "churn-r1"
    assert str(spool / "mlflow.db") in environment["MLFLOW_TRACKING_URI"]
    assert records(environment["MLFLOW_TRACKING_URI"]).run("load").info.status == "FINISHED"


def test_where_nothing_can_be_written_the_run_still_ends(new_project: Project, tell: Any) -> None:
    (new_project.root / "mlflow.db").mkdir()
    (new_project.root / ".cellmill").touch()
    told = tell("r1").start()
    assert told.task("load") == {}
    told.finish()
    assert [notice for notice in told.notices if "not recorded" in notice] == told.notices != []


def test_an_experiment_that_was_deleted_comes_back(tell: Any, told: Told, project: Project, records: Any) -> None:
    told.start()
    told.finish()
    client = records().client
    client.delete_experiment(client.get_experiment_by_name("churn-experiment").experiment_id)
    again = tell("r2").start().finish()
    assert ["was restored" in notice for notice in again.notices] == [True]
    assert records().run("churn r2").info.status == "FINISHED"


def test_a_run_killed_before_the_recorder_has_imported_mlflow_is_killed_in_mlflow(
    project: Project, records: Any
) -> None:
    command = [sys.executable, "-m", "cellmill.track.worker", str(project.folder), str(project.root)]
    recorder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert recorder.stdin is not None
    assert recorder.stdout is not None
    started = Event("run-started", data={"run_id": "r1", "tasks": ["load"], "folder": str(project.folder)})
    for number, event in enumerate((started, Event("task-started", "load", {"attempt": 1}))):
        recorder.stdin.write(json.dumps({"number": number, "event": event.as_dict()}) + "\n")
    # As when the run's process is killed: nobody tells more, and nobody reads the answers.
    recorder.stdout.close()
    recorder.stdin.close()

    assert recorder.wait(60) == 0
    assert [records().run(name).info.status for name in ("churn r1", "load")] == ["KILLED", "KILLED"]


def test_what_a_killed_recorder_left_open_ends_with_the_next_run(project: Project, records: Any, tell: Any) -> None:
    ids = {
        "lost": "20200101-000000-aaaaaaa",
        "whole": "20200101-000000-bbbbbbb",
        "elsewhere": "20200101-000000-ccccccc",
    }
    for run_id in ids.values():
        tell(run_id).start().task("load")
    for state, end in (("lost", None), ("whole", {"state": "succeeded", "ended": time.time()})):
        record = project.root / ".cellmill" / "runs" / ids[state]
        record.mkdir(parents=True)
        header = {"run_id": ids[state], "pipeline": str(project.folder), "started": time.time(), "tasks": ["load"]}
        (record / "run.json").write_text(json.dumps(header))
        if end:
            (record / "end.json").write_text(json.dumps(end))

    tell("r1").start().finish()

    found = records()
    status = {state: found.run(f"churn {run_id}").info.status for state, run_id in ids.items()}
    # What this project has no record of may be another machine's.
    assert status == {"lost": "KILLED", "whole": "FINISHED", "elsewhere": "RUNNING"}
    assert "cut off" in found.run(f"churn {ids['whole']}").data.tags["cellmill.recording"]
    loads = {found.parent(run): run.info.status for run in found.runs() if run.info.run_name == "load"}
    assert loads == {f"churn {run_id}": status[state] for state, run_id in ids.items()}
