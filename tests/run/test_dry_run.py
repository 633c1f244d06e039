"""What a dry run says is what the next run does, and why; it leaves everything as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_products import make_products

from cellmill.errors import CellmillError
from cellmill.run import DryRun, Event, dry_run, run_pipeline


@pytest.fixture
def churn(pipeline: Any, step: Any) -> Any:
    """Two steps after the first, and one after them; no step loads what another has made."""
    return pipeline.write(
        {
            "load": step(["xs = list(range(n))\nprint('length', len(xs))"], params=["n"]),
            "train": step(["y = 1\nz = 2"], ["load"]),
            "side": step(["z = 1"], ["load"]),
            "report": step(["print('report')"], ["train", "side"]),
        },
        env={"n": 3},
        settings={"parameters": {"n": {"type": "int", "default": 3}}},
        shared="def helper(xs):\n    return len(xs)\n",
    )


@pytest.fixture
def made(churn: Any) -> Any:
    make_products(churn.folder)
    return churn


def would_run(told: DryRun) -> dict[str, list[str]]:
    return {task.name: [one.text for one in task.reasons] for task in told.tasks if task.state == "would-run"}


def kinds(told: DryRun) -> dict[str, list[str]]:
    return {task.name: [one.kind for one in task.reasons] for task in told.tasks if task.state == "would-run"}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def tree(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def started(pipeline: Any, **options: Any) -> dict[str, list[str]]:
    """The tasks that a run really executes, with the reasons that it tells."""
    events: list[Event] = []
    run_pipeline(pipeline.folder, listeners=[events.append], jobs=1, **options)
    return {
        str(event.task): [one["text"] for one in event.data["reasons"]]
        for event in events
        if event.kind == "task-started"
    }


def executed_by_ploomber(folder: Path) -> set[str]:
    command = [str(Path(sys.executable).with_name("ploomber")), "build"]
    environment = {**os.environ, "PLOOMBER_STATS_ENABLED": "false"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {line.split()[0] for line in done.stdout.splitlines() if line.split()[1:2] == ["True"]}


def test_what_is_said_is_what_runs(churn: Any) -> None:
    before = tree(churn.project)
    fresh = dry_run(churn.folder)
    assert tree(churn.project) == before
    assert would_run(fresh) == {
        "load": ["never run"],
        "train": ["never run"],
        "side": ["never run"],
        "report": ["never run"],
    }
    make_products(churn.folder, "load", "side")
    change(churn.task_file("side"), "z = 1", "z = 3")

    told = would_run(dry_run(churn.folder))

    assert told == {
        "train": ["never run"],
        "side": ["its code changed (tasks/side.py: cell 5, line 1)"],
        "report": ["never run"],
    }
    assert started(churn) == told
    assert would_run(dry_run(churn.folder)) == {}


def test_plain_ploomber_runs_the_same(made: Any) -> None:
    change(made.task_file("train"), "z = 2", "z = 3")

    told = would_run(dry_run(made.folder))

    assert told == {
        "train": ["its code changed (tasks/train.py: cell 4, line 2)"],
        "report": ["follows train, which is outdated"],
    }
    assert executed_by_ploomber(made.folder) == set(told)
    assert would_run(dry_run(made.folder)) == {}


def test_all_is_up_to_date(made: Any) -> None:
    before = tree(made.project)

    told = dry_run(made.folder)

    assert {task.state for task in told.tasks} == {"up-to-date"}
    assert told["load"].words.startswith("up to date, made 20")
    assert tree(made.project) == before


def test_each_kind_of_change_is_told(made: Any) -> None:
    after_load = {"train": ["upstream"], "side": ["upstream"], "report": ["upstream", "upstream"]}

    told = dry_run(made.folder, parameters={"n": 5})
    assert would_run(told)["load"] == ["parameter n changed from 3 to 5"]
    assert kinds(told) == {"load": ["parameter"], **after_load}

    (made.output / "train.html").rename(made.output / "train.txt")
    told = dry_run(made.folder)
    assert would_run(told)["train"] == ["its product output/train.html is missing"]
    assert set(would_run(told)) == {"train", "report"}
    (made.output / "train.txt").rename(made.output / "train.html")

    for record in made.output.rglob(".*.metadata"):
        if record.name.startswith(".side.") or record.parent.name == "side":
            record.unlink()
    assert would_run(dry_run(made.folder))["side"] == ["no finished run of it is recorded"]

    make_products(made.folder)
    (made.folder / "churn_shared.py").write_text("def helper(xs):\n    return 0\n")
    told = dry_run(made.folder)
    assert all("churn_shared.py changed" in reasons for reasons in would_run(told).values())
    assert len(would_run(told)) == 4

    make_products(made.folder)
    make_products(made.folder, "side")
    assert would_run(dry_run(made.folder)) == {"report": ["side was made again since"]}

    make_products(made.folder)
    made.dump("env.big.yaml", {"n": 1000})
    told = dry_run(made.folder, profile="big")
    assert would_run(told)["load"] == ["parameter n changed from 3 to 1000"]


def test_options_are_told_as_well(made: Any) -> None:
    asked = ["up to date, but asked for (--from train)"]
    told = dry_run(made.folder, from_="train")
    assert would_run(told) == {"train": asked, "report": asked}
    assert told["side"].words == "not asked for (--from train)"

    assert set(would_run(dry_run(made.folder, only=["load", "side"]))) == {"load", "side"}
    assert set(would_run(dry_run(made.folder, force=True))) == {"load", "train", "side", "report"}
    assert set(would_run(dry_run(made.folder, from_="train", skip="report"))) == {"train"}
    assert set(would_run(dry_run(made.folder, force=True, skip=["load", "side"]))) == {"train", "report"}
    with pytest.raises(CellmillError, match="there is no step trian; did you mean train"):
        dry_run(made.folder, skip="trian")
    with pytest.raises(CellmillError, match="--only and --skip exclude each other"):
        dry_run(made.folder, only="train", skip="load")


def test_what_follows_a_skipped_step_starts_from_what_is_there(made: Any) -> None:
    change(made.task_file("train"), "z = 2", "z = 3")
    notice = "Step train is outdated: report uses what it made with other code or parameters."

    told = dry_run(made.folder, skip="train")

    assert would_run(told) == {"report": ["follows train, which is outdated"]}
    assert told.notices == (notice,)
    assert started(made, skip="train") == would_run(told)
    (made.output / "train.html").unlink()
    with pytest.raises(CellmillError, match="step report needs what step train makes, and that is not there"):
        run_pipeline(made.folder, skip="train")


def test_the_command_prints_it_or_gives_it_as_json(made: Any) -> None:
    from click.testing import CliRunner

    from cellmill.cli import main

    change(made.task_file("report"), "print('report')", "print('all')")
    words = ["run", str(made.folder), "--dry-run"]

    done = CliRunner().invoke(main, words)
    lines = done.stdout.splitlines()

    assert done.exit_code == 0
    assert lines[0] == "churn: 4 steps, n=3"
    assert lines[1].startswith("[1/4] load: up to date, made ")
    assert lines[4] == "[4/4] report: would run: its code changed (tasks/report.py: cell 6, line 1)"
    assert lines[5] == "Nothing was run; 1 step would run."
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert [task["state"] for task in told["tasks"]] == ["up-to-date"] * 3 + ["would-run"]
    assert told["tasks"][3]["reasons"][0]["subject"] == "tasks/report.py"
    assert CliRunner().invoke(main, ["run", str(made.folder), "--json"]).exit_code == 2
