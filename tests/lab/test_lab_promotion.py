"""Promotion from the panel: seen before it is written, refused where it would lose something."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count()


@pytest.fixture
def notebook(lab: Any) -> str:
    """A notebook in a project of its own."""
    folder = f"project{next(_numbers)}"
    path = f"{folder}/notebooks/churn.ipynb"
    lab.write_notebook(path)
    (lab.root / folder / "pyproject.toml").write_text("")
    return path


def _folder(lab: Any, notebook: str) -> Path:
    return Path(lab.root / notebook).parents[1] / "pipelines" / "churn"


def _states(plan: dict[str, Any]) -> dict[str, str]:
    return {one["path"]: one["state"] for one in plan["files"]}


def test_the_plan_shows_what_would_be_written_and_writes_nothing(lab: Any, notebook: str) -> None:
    status, plan = lab.post("promotion/plan", {"path": notebook})

    assert status == 200
    assert plan["ready"]
    assert not plan["exists"]
    assert set(_states(plan).values()) == {"new"}
    task = next(one for one in plan["files"] if one["path"] == "tasks/load.py")
    assert task["before"] is None
    assert "xs = list(range(n))" in task["after"]
    assert not _folder(lab, notebook).exists()


def test_promoting_once_and_again(lab: Any, body: Any, notebook: str) -> None:
    status, first = lab.post("promotion", {"path": notebook})
    assert status == 200
    assert "pipeline.yaml" in first["changed"]
    assert (lab.root / first["folder"] / "pipeline.yaml").is_file()

    again = lab.post("promotion", {"path": notebook})[1]
    assert (again["changed"], again["removed"]) == ([], [])
    assert set(_states(lab.post("promotion/plan", {"path": notebook})[1]).values()) == {"same"}
    seen = lab.post("analyse", body(notebook))[1]["pipeline"]
    assert (seen["folder"], seen["exists"], seen["current"]) == (first["folder"], True, True)


def test_a_changed_notebook_shows_both_texts(lab: Any, body: Any, cells: Any, notebook: str) -> None:
    lab.post("promotion", {"path": notebook})
    edited = [*cells[:3], ("xs = [n, n]", ["step:load"]), ("xs", ["step:show"])]
    # The editor's text counts, saved or not.
    assert not lab.post("analyse", body(notebook, edited))[1]["pipeline"]["current"]
    assert lab.post("analyse", body(notebook))[1]["pipeline"]["current"]
    lab.write_notebook(notebook, edited)

    plan = lab.post("promotion/plan", {"path": notebook})[1]

    states = _states(plan)
    assert (states["tasks/load.py"], states["tasks/show.py"], states["tasks/train.py"]) == ("changed", "new", "removed")
    files = {one["path"]: one for one in plan["files"]}
    assert "xs = list(range(n))" in files["tasks/load.py"]["before"]
    assert "xs = [n, n]" in files["tasks/load.py"]["after"]
    assert files["tasks/train.py"]["after"] is None
    written = lab.post("promotion", {"path": notebook})[1]
    assert "tasks/train.py" in written["removed"]


def test_an_edit_is_not_overwritten_unless_it_is_said(lab: Any, cells: Any, notebook: str) -> None:
    lab.post("promotion", {"path": notebook})
    task = _folder(lab, notebook) / "tasks" / "load.py"
    task.write_text(task.read_text().replace("xs = list(range(n))", "xs = [*range(n)]  # an engineer was here"))
    lab.write_notebook(notebook, [*cells[:3], ("xs = [n]", ["step:load"]), *cells[4:]])

    plan = lab.post("promotion/plan", {"path": notebook})[1]
    assert (plan["edited"], plan["kept"]) == (["tasks/load.py"], [])
    (conflict,) = plan["conflicts"]
    assert (conflict["path"], conflict["cell"], conflict["cell_id"]) == ("tasks/load.py", 4, "cell3")
    assert {"about": "cell", "text": "cell 4 of step load has changed"} in plan["changes"]
    shown = next(one for one in plan["files"] if one["path"] == "tasks/load.py")
    assert shown["state"] == "conflict"
    assert "an engineer was here\n=======\nxs = [n]\n>>>>>>> the notebook\n" in shown["merged"]
    assert not plan["foreign"]
    status, refused = lab.post("promotion", {"path": notebook})
    assert (status, refused["reason"]) == (409, "edited")
    assert "an engineer was here\n+=======\n+xs = [n]" in refused["diff"]
    assert refused["conflicts"] == plan["conflicts"]
    assert "an engineer" in task.read_text()

    kept = lab.post("promotion", {"path": notebook, "edits": "keep"})[1]
    # The imports above the cell follow the notebook.
    assert (kept["kept"], kept["merged"]) == ([], ["tasks/load.py"])
    assert "an engineer" in task.read_text()
    changed = [(text.replace("n: int = 3", "n: int = 4"), tags) for text, tags in cells[:3]]
    lab.write_notebook(notebook, [*changed, ("xs = [n]", ["step:load"]), *cells[4:]])
    task.write_text(task.read_text().replace("import sys\n", "import sys\nimport os\n"))
    assert lab.post("promotion/plan", {"path": notebook})[1]["conflicts"] == []
    assert lab.post("promotion", {"path": notebook})[1]["merged"] == ["tasks/load.py"]
    assert "import os" in task.read_text()
    assert "n: int = 4" in task.read_text()
    assert lab.post("promotion", {"path": notebook, "force": True})[0] == 200
    assert "an engineer" not in task.read_text()


def test_a_name_that_is_taken_is_not_overwritten(lab: Any, notebook: str) -> None:
    lab.post("promotion", {"path": notebook})
    other = notebook.replace("churn", "other")
    lab.write_notebook(other)

    plan = lab.post("promotion/plan", {"path": other, "name": "churn"})[1]
    assert (plan["foreign"], plan["exists"]) == (True, True)
    status, refused = lab.post("promotion", {"path": other, "name": "churn"})
    assert (status, refused["reason"]) == (409, "taken")
    assert lab.post("promotion", {"path": other})[1]["pipeline"] == "other"


def test_a_pipeline_with_a_name_of_its_own_is_found_again(lab: Any, body: Any, notebook: str) -> None:
    lab.post("promotion", {"path": notebook, "name": "leavers"})

    assert lab.post("analyse", body(notebook))[1]["pipeline"]["name"] == "leavers"
    assert lab.post("promotion", {"path": notebook})[1]["pipeline"] == "leavers"


def test_a_notebook_that_is_not_ready_says_why(lab: Any, notebook: str) -> None:
    lab.write_notebook(notebook, [("x = 1", []), ("y = x", ["step:a"])])

    status, plan = lab.post("promotion/plan", {"path": notebook})
    assert (status, plan["ready"], plan["files"]) == (200, False, [])
    status, refused = lab.post("promotion", {"path": notebook})
    assert (status, refused["reason"]) == (409, "not-ready")
    errors = [one for one in refused["findings"] if one["severity"] == "error"]
    assert errors[0]["fixes"][0]["action"] == {"type": "set-role", "cell_id": "cell0", "role": "step:a"}


@pytest.mark.parametrize("name", ["a/b", "../x", "class", "1a", "a b"])
def test_a_name_that_no_module_can_have_is_refused(lab: Any, notebook: str, name: str) -> None:
    status, answer = lab.post("promotion/plan", {"path": notebook, "name": name})

    assert status == 400
    assert answer["message"].startswith("name: ")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nbformat": 4, "cells": [1]}', '{"nbformat": 9, "cells": []}'])
def test_a_file_that_is_no_notebook_is_refused(lab: Any, text: str) -> None:
    (lab.root / "broken.ipynb").write_text(text)

    for route in ("promotion/plan", "promotion"):
        assert lab.post(route, {"path": "broken.ipynb"})[0] == 400
    assert lab.post("promotion", {"path": "missing.ipynb"})[0] == 404


def test_a_megabyte_of_output_with_markup_is_only_data(lab: Any, notebook: str) -> None:
    file = Path(lab.root / notebook)
    content = json.loads(file.read_text())
    html = "<script>document.title = 'owned'</script>" * 30_000
    content["cells"][3]["outputs"] = [
        {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": [html]},
    ]
    content["cells"][3]["execution_count"] = 1
    file.write_text(json.dumps(content))

    assert lab.post("promotion/plan", {"path": notebook})[0] == 200
    assert lab.post("promotion", {"path": notebook})[0] == 200


def test_pipelines_are_listed_with_what_the_form_needs(lab: Any, notebook: str) -> None:
    folder = lab.post("promotion", {"path": notebook})[1]["folder"]

    pipelines = lab.get("pipelines")[1]["pipelines"]
    found = next(one for one in pipelines if one["folder"] == folder)
    assert (found["name"], found["title"], found["tasks"]) == ("churn", "Churn", ["load", "train"])
    assert found["notebook"] == notebook
    assert found["current"] is True
    assert found["profiles"] == ["test"]
    assert [(one["name"], one["type"], one["default"]) for one in found["parameters"]] == [
        ("n", "int", 3),
        ("pause", "float", 0.0),
    ]
    status, one = lab.get(f"pipelines/{folder}")
    assert status == 200
    assert one["cells"]["cell4"]["task"] == "train"
    assert [(step["name"], step["cells"], step["checks"]) for step in one["step_details"]] == [
        ("load", ["cell3"], []),
        ("train", ["cell4"], ["cell5"]),
    ]


def test_a_broken_pipeline_is_listed_with_what_is_wrong(lab: Any) -> None:
    folder = lab.root / "broken" / "pipelines" / "bad"
    folder.mkdir(parents=True)
    (folder / "pipeline.yaml").write_text("tasks: [")
    (folder / ".promotion.json").write_text('{"notebook": 3, "cells": [], "edges": {"a": 1}}')

    found = next(one for one in lab.get("pipelines")[1]["pipelines"] if one["name"] == "bad")

    assert "is not valid YAML" in found["problem"]
    assert lab.get("pipelines/broken/pipelines/bad")[0] == 200
    assert lab.get("pipelines/broken")[0] == 404


def test_edges_know_the_types_that_the_last_run_saved(lab: Any, body: Any, notebook: str) -> None:
    made = lab.post("promotion", {"path": notebook})[1]

    def types() -> dict[str, str]:
        edges = lab.post("analyse", body(notebook))[1]["edges"]
        return {name: told for edge in edges for name, told in edge["types"].items()}

    assert types() == {}
    manifest = lab.root / made["folder"] / "output" / "load" / "variables.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"variables": {"xs": {"type": "builtins.list"}, "other": {"type": "x"}, "odd": 3}}')
    assert types() == {"xs": "builtins.list"}
    manifest.write_text('["no manifest"')
    assert types() == {}
