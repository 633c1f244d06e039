"""Where all is known to be up to date Ploomber is not asked; wherever anything changed it is, and it decides."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from made_products import make_products

from cellmill.run import Event, dry_run, run_pipeline


@pytest.fixture
def settled(pipeline: Any, step: Any) -> Any:
    """A pipeline in which nothing is to do, and which has been run so."""
    pipeline.write(
        {
            "load": step(["xs = list(range(n))"], params=["n"]),
            "train": step(["y = 1"], ["load"]),
            "side": step(["z = 1"], ["load"]),
        },
        env={"n": 3},
        settings={"parameters": {"n": {"type": "int", "default": 3}}},
        shared="def helper(xs):\n    return len(xs)\n",
    )
    pipeline.dump("env.big.yaml", {"n": 4})
    make_products(pipeline.folder)
    # Files that have just been written may be read in either state; nothing is remembered of them.
    time.sleep(0.2)
    assert asks_ploomber(pipeline.folder)
    assert not asks_ploomber(pipeline.folder)
    return pipeline


def asks_ploomber(folder: Path, **options: Any) -> bool:
    asked: list[None] = []
    run_pipeline(folder, before_work=lambda: asked.append(None), **options)
    return bool(asked)


def would_run(folder: Path, **options: Any) -> list[str]:
    return [task.name for task in dry_run(folder, **options).tasks if task.state == "would-run"]


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def later(folder: Path) -> None:
    """As if the first task had been run once more, alone."""
    for record in [*folder.glob("output/.load.*.metadata"), folder / "output/load/.variables.json.metadata"]:
        content = json.loads(record.read_text())
        record.write_text(json.dumps(content | {"timestamp": content["timestamp"] + 60}))


def another_task(folder: Path) -> None:
    spec = yaml.safe_load((folder / "pipeline.yaml").read_text())
    copy = json.loads(json.dumps(spec["tasks"][2]).replace("side", "other"))
    shutil.copy(folder / "tasks" / "side.py", folder / "tasks" / "other.py")
    (folder / "pipeline.yaml").write_text(yaml.safe_dump({"tasks": [*spec["tasks"], copy]}))


ALL = ["load", "train", "side"]
CHANGES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "code": (replace("tasks/train.py", "y = 1", "y = 2"), ["train"]),
    "upstream in the code": (replace("tasks/side.py", "upstream = ['load']", "upstream = ['train']"), ["side"]),
    "the value in env.yaml": (replace("env.yaml", "n: 3", "n: 5"), ALL),
    "a parameter more in pipeline.yaml": (replace("pipeline.yaml", "  params:\n", "  params:\n    m: 1\n"), ALL),
    "a task more": (another_task, ["other"]),
    "a module": (replace("churn_shared.py", "len(xs)", "0"), ALL),
    "a product that is missing": (remove("output/side.html"), ["side"]),
    "a record that is missing": (remove("output/.train.ipynb.metadata"), ["train"]),
    "a record of other code": (replace("output/.train.ipynb.metadata", "y = 1", "y = 0"), ["train"]),
    "a task that was made again": (later, ["train", "side"]),
}


def test_whatever_changes_ploomber_decides(settled: Any) -> None:
    memory = settled.output / ".up-to-date.json"
    whole = settled.project / "whole"
    shutil.copytree(settled.folder, whole)
    for what, (change, expected) in CHANGES.items():
        change(settled.folder)
        assert would_run(settled.folder) == expected, what
        kept = memory.read_text()
        memory.unlink()
        assert would_run(settled.folder) == expected, what
        shutil.rmtree(settled.folder)
        shutil.copytree(whole, settled.folder)
        assert memory.read_text() == kept
        assert would_run(settled.folder) == [], what
    assert not asks_ploomber(settled.folder)


def test_other_values_are_not_what_is_remembered(settled: Any) -> None:
    assert would_run(settled.folder, parameters={"n": 4}) == ALL
    assert would_run(settled.folder, profile="big") == ALL
    assert would_run(settled.folder, force=True) == ALL
    assert would_run(settled.folder, from_="side") == ["side"]
    # The same value, said in another way.
    assert not asks_ploomber(settled.folder, parameters={"n": 3})


def test_a_pipeline_that_names_more_than_data_is_never_remembered(settled: Any) -> None:
    settled.dump("env.yaml", {"workdir": "{{here}}/../../notebooks", "n": 3, "when": "{{now}}"})
    assert asks_ploomber(settled.folder)
    assert asks_ploomber(settled.folder)


def test_what_is_told_is_the_same(settled: Any) -> None:
    def told() -> list[Any]:
        events: list[Event] = []
        result = run_pipeline(settled.folder, listeners=[events.append], run_id="20260101-000000-abcd")
        assert {task.state for task in result.tasks} == {"up-to-date"}
        shown = [event.as_dict() | {"at": 0} for event in events]
        shown[-1]["data"].pop("seconds")
        return [shown, [(task.name, task.notebook, task.report, task.variables) for task in result.tasks]]

    quick = told()
    (settled.output / ".up-to-date.json").unlink()
    assert told() == quick
