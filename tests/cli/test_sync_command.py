"""Edits of a pipeline go back into its notebook, cell by cell, and nothing else of the notebook changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# Chürn"]},
    {"id": "p", "source": ["n = 3"], "tags": ["parameters"]},
    {
        "id": "s",
        "source": ["%%shared\n", "from __future__ import annotations\n", "\n", "def double(x):\n", "    return 2 * x"],
    },
    {
        "id": "load",
        "source": [
            "%%step load --retries 1\n",
            "\n",
            "xs = list(range(n))\n",
            "%metric count len(xs)\n",
            "last = xs[-1]",
        ],
    },
    {"id": "show", "source": ["%time xs\n", "print(xs)\n", "print(last)"], "tags": ["step:load", "mine"]},
    {"cell_type": "markdown", "id": "why", "metadata": {}, "source": ["Why train."]},
    {"id": "train", "source": "total = double(sum(xs))\ntotal", "tags": ["step:train"]},
    {"id": "check", "source": ["assert total >= 0"], "tags": ["check:train"]},
]


class Project:
    """A notebook, its pipeline, and the command."""

    def __init__(self, root: Path, call: Any) -> None:
        self.notebook, self.folder, self.call = root / "notebooks/churn.ipynb", root / "pipelines/churn", call

    def save(self, **sources: str) -> None:
        cells = []
        for given in CELLS:
            cell = {"cell_type": "code", "metadata": {}, **given}
            if tags := cell.pop("tags", None):
                cell["metadata"] = {"tags": tags, "later": {"b": 1, "a": 2}}
            if cell["id"] in sources:
                cell["source"] = sources[cell["id"]]
            if cell["cell_type"] == "code":
                text = {"output_type": "stream", "name": "stdout", "text": ["é <\n"]}
                cell |= {"outputs": [text], "execution_count": 7}
            cells.append(cell)
        document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"z": 1, "a": 2}, "cells": cells}
        self.notebook.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def cell(self, cell_id: str) -> dict[str, Any]:
        return next(one for one in self.cells() if one["id"] == cell_id)

    def cells(self) -> list[dict[str, Any]]:
        return list(json.loads(self.notebook.read_text(encoding="utf-8"))["cells"])

    def source(self, cell_id: str) -> str:
        return "".join(self.cell(cell_id)["source"])

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def sync(self, *options: str) -> Any:
        return self.call("sync", "churn", *options)

    def is_current(self) -> bool:
        result = self.call("promote", "notebooks/churn.ipynb")
        return result.exit_code == 0 and "is current: nothing to write" in result.stdout


@pytest.fixture
def made(project: Path, cellmill: Any) -> Project:
    one = Project(project, cellmill)
    one.save()
    result = cellmill("promote", "notebooks/churn.ipynb")
    assert result.exit_code == 0, result.output
    return one


def test_an_edit_goes_into_its_cell_and_nothing_else_changes(made: Project) -> None:
    before = made.notebook.read_text(encoding="utf-8")
    made.edit("tasks/load.py", "xs = list(range(n))", "xs = [*range(n)]  # faster")
    result = made.sync()

    assert result.exit_code == 0, result.output
    assert "notebooks/churn.ipynb, cell 4: the edit of tasks/load.py\n" in result.stdout
    old = json.loads(before)
    cell = old["cells"][3]
    cell["source"][2] = "xs = [*range(n)]  # faster\n"
    cell |= {"outputs": [], "execution_count": None}
    assert made.notebook.read_text(encoding="utf-8") == json.dumps(old, indent=2, ensure_ascii=False) + "\n"
    assert made.is_current()
    assert "Nothing to bring back" in made.sync().stdout


def test_magics_and_the_step_line_stay_the_authors(made: Project) -> None:
    made.edit("tasks/load.py", "last = xs[-1]", "last = max(xs)\nprint(last)")
    made.edit("tasks/load.py", "print(xs)", "print(*xs)")
    made.edit("churn_shared.py", "    return 2 * x", "    return x + x")
    result = made.sync()
    assert result.exit_code == 0, result.output
    wanted = "%%step load --retries 1\n\nxs = list(range(n))\n%metric count len(xs)\nlast = max(xs)\nprint(last)"
    assert made.source("load") == wanted
    assert made.source("show") == "%time xs\nprint(*xs)\nprint(last)"
    assert made.source("s") == "%%shared\nfrom __future__ import annotations\n\ndef double(x):\n    return x + x"
    assert made.is_current()


def test_a_new_cell_goes_where_it_was_put_and_gets_an_id_that_the_task_carries(made: Project) -> None:
    made.edit("tasks/load.py", '# %% cell="show"', '# %%\nprint("between")\n\n# %% cell="show"')
    made.edit(
        "tasks/load.py", '# %% tags=["outputs"]', '# %%\nprint("after")\n\n# %%\n# %time 1\n\n# %% tags=["outputs"]'
    )
    made.edit("tasks/train.py", '# %% cell="train"', '# %%\nprint("above")\n\n# %% cell="train"')
    result = made.sync()
    assert result.exit_code == 0, result.output
    assert "cell 5: a new cell, from tasks/load.py" in result.stdout
    sources = ["".join(cell["source"]).split("\n")[-1] for cell in made.cells()]
    assert sources[3:7] == ["last = xs[-1]", 'print("between")', "print(last)", 'print("after")']
    assert sources[7:11] == ["%time 1", "Why train.", 'print("above")', "total"]
    between, above = made.cells()[4], made.cells()[9]
    assert "".join(between["source"]) == '%%step load\nprint("between")'
    assert above["metadata"]["tags"] == ["step:train"]
    assert f'# %% cell="{between["id"]}"\nprint("between")' in (made.folder / "tasks/load.py").read_text()
    assert made.is_current()
    assert "Nothing to bring back" in made.sync().stdout


def test_a_cell_that_moved_on_is_refused_unless_both_fit(made: Project) -> None:
    made.edit("tasks/load.py", "last = xs[-1]", "last = max(xs)")
    made.save(load="%%step load\nxs = list(range(n + 1))\n%metric count len(xs)\nlast = xs[-1]")
    result = made.sync()
    assert result.exit_code == 0, result.output
    assert made.source("load") == "%%step load\nxs = list(range(n + 1))\n%metric count len(xs)\nlast = max(xs)"
    assert "The notebook has other changes too" in result.stdout
    assert made.call("promote", "notebooks/churn.ipynb").exit_code == 0
    assert made.is_current()


def test_a_conflict_keeps_no_other_edit_back_and_is_decided_alone(made: Project) -> None:
    made.edit("tasks/load.py", "last = xs[-1]", "last = max(xs)")
    made.edit("tasks/train.py", "total = double(sum(xs))", "total = sum(xs)")
    made.edit("env.yaml", "n: 3", "n: 4")
    made.save(train="total = double(max(xs))\ntotal")
    result = made.sync()
    assert result.exit_code == 1
    assert "notebooks/churn.ipynb, cell 4: the edit of tasks/load.py\n" in result.stdout
    assert "notebooks/churn.ipynb, cell 7 has changed since the promotion where tasks/train.py, line" in result.stderr
    assert (made.source("load").split("\n")[-1], made.source("train")) == (
        "last = max(xs)",
        "total = double(max(xs))\ntotal",
    )

    remedy = "cellmill promote notebooks/churn.ipynb --overwrite-file tasks/train.py"
    assert f"`{remedy}`" in result.stderr
    told = made.call(*remedy.split()[1:])
    assert told.exit_code == 0, told.output
    assert "Edits made by hand were thrown away in tasks/train.py.\n" in told.stdout
    assert "total = double(max(xs))" in (made.folder / "tasks/train.py").read_text()
    assert "n: 4" in (made.folder / "env.yaml").read_text()
    assert made.is_current()


def test_what_has_no_cell_is_named(made: Project) -> None:
    made.edit("tasks/load.py", "import sys\n", "import sys\nimport os\n")
    made.edit("env.yaml", "n: 3", "n: 4")
    made.edit("tasks/train.py", "# Why train.", "# Why we train.")
    made.edit("tasks/train.py", '# %% cell="check" tags=["check"]\nassert total >= 0\n\n', "")
    before = made.notebook.read_bytes()
    result = made.sync()
    assert result.exit_code == 0, result.output
    for told in ("tasks/load.py, line", "env.yaml", "tasks/train.py, line", "cell 8 was taken out of tasks/train.py"):
        assert f"Not brought back: {told}" in result.stdout
    assert made.notebook.read_bytes() == before


def test_an_edit_that_only_works_in_the_pipeline_is_refused(made: Project) -> None:
    made.edit("tasks/load.py", 'churn_handover.metric("count", len(xs))', 'churn_handover.metric("n", len(xs))')
    result = made.sync()
    assert result.exit_code == 1
    assert "only the pipeline has" in result.stderr

    made.edit("tasks/load.py", 'churn_handover.metric("n", len(xs))', 'churn_handover.metric("count", len(xs))')
    made.edit("tasks/load.py", "last = xs[-1]", "last = numpy.max(xs)")
    result = made.sync()
    assert result.exit_code == 1
    assert "with the edits the notebook is not ready for promotion: no cell defines `numpy`" in result.stderr
    assert "numpy" not in made.source("load")


def test_a_dry_run_and_a_diff_write_nothing(made: Project, project: Path) -> None:
    made.edit("tasks/load.py", "last = xs[-1]", "last = max(xs)")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert "cell 4: the edit of tasks/load.py" in made.sync("--dry-run").stdout
    result = made.sync("--diff")
    assert "-last = xs[-1]\n+last = max(xs)\n" in result.stdout
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_folder_that_is_no_promotion_is_refused(project: Path, cellmill: Any) -> None:
    (project / "mine").mkdir()
    (project / "mine" / "pipeline.yaml").write_text("tasks: []")
    result = cellmill("sync", "mine")
    assert (result.exit_code, result.stderr.startswith("Error: mine: this is no pipeline")) == (1, True)


def test_a_notebook_without_ids_gets_those_that_its_tasks_carry(made: Project) -> None:
    document = json.loads(made.notebook.read_text())
    document["nbformat_minor"] = 4
    for cell in document["cells"]:
        del cell["id"]
    made.notebook.write_text(json.dumps(document))
    made.call("promote", "notebooks/churn.ipynb")
    made.edit("tasks/load.py", "last = xs[-1]", "last = max(xs)")
    result = made.sync()
    assert result.exit_code == 0, result.output
    assert "last = max(xs)" in "".join(made.cells()[3]["source"])
    assert json.loads(made.notebook.read_text())["nbformat_minor"] == 5
    assert made.is_current()
