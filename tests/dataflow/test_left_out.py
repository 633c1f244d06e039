"""What `cellmill check` says of changes outside of the steps, and of shared cells that repeat what they do."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from cellmill.cli import main

MAKE, USE = ("step:make", "rows = [3, None, 1]"), ("step:use", "print(rows)")
TABLE = ("step:make", "import pandas as pd\ntable = pd.DataFrame({'a': [1.25]})")
LEFT_OUT = {
    "bound anew": ([MAKE, ("", "rows = [one for one in rows if one]"), USE], [("CM212", "error", 2, "rows")]),
    "changed in place": ([MAKE, ("", "rows.append(2)"), USE], [("CM212", "error", 2, "rows")]),
    "left out on purpose": ([MAKE, ("skip", "rows.append(2)"), USE], [("CM212", "warning", 2, "rows")]),
    "an option": (
        [("", "import pandas as pd\npd.set_option('display.precision', 1)"), TABLE, ("step:use", "print(table)")],
        [("CM212", "warning", 1, "pandas.options")],
    ),
    "only looked at": ([TABLE, ("", "table.head()\ntable.describe()"), ("step:use", "print(table)")], []),
    "made anew by the user": (
        [
            TABLE,
            ("", "part = table.copy()\nfor one in table: pass"),
            ("step:use", "part = 1\nfor one in table: print(one)"),
        ],
        [],
    ),
    "used above it only": ([MAKE, USE, ("", "rows.append(2)")], []),
}
SHARED = {
    "the clock": ([("shared", "import time\nnow = time.time()"), ("step:a", "print(now)")], ["warning"]),
    "a function that makes names": (
        [("shared", "import uuid\ndef name(): return uuid.uuid4().hex\nrun = name()"), ("step:a", "print(run)")],
        ["warning"],
    ),
    "a function that is only defined": (
        [("shared", "import uuid\ndef name(): return uuid.uuid4().hex"), ("step:a", "print(len(name()))")],
        [],
    ),
    "a file that is begun anew": ([("shared", "open('log', 'w').close()"), ("step:a", "print(1)")], ["warning"]),
    "a folder that may be there": ([("shared", "import os\nos.makedirs('o', exist_ok=True)"), ("step:a", "1")], []),
    "a file that a step writes": (
        [("shared", "text = open('x.txt').read()"), ("step:a", "open('x.txt', 'w').write('1')"), ("step:b", "text")],
        ["error"],
    ),
}  # fmt: skip


def check(path: Path, cells: list[tuple[str, str]]) -> list[dict[str, str]]:
    notebook = nbformat.v4.new_notebook()
    for tag, source in cells:
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag] if tag else []}))
    nbformat.write(notebook, path)
    return json.loads(CliRunner().invoke(main, ["check", str(path), "--json"]).stdout)["findings"]


@pytest.mark.parametrize("cells, told", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_change_outside_of_the_steps_is_told(
    cells: list[tuple[str, str]], told: list[object], tmp_path: Path
) -> None:
    found = check(tmp_path / "study.ipynb", cells)
    assert [(one["code"], one["severity"], one["cell"], one["name"]) for one in found if one["code"] == "CM212"] == told


@pytest.mark.parametrize("cells, told", SHARED.values(), ids=SHARED)
def test_what_a_shared_cell_repeats_is_told(cells: list[tuple[str, str]], told: list[str], tmp_path: Path) -> None:
    found = check(tmp_path / "study.ipynb", cells)
    assert [one["severity"] for one in found if one["code"] == "CM315"] == told


def test_cells_are_not_joined_over_another_steps_draw(tmp_path: Path) -> None:
    cells = [
        ("step:a", "import random\nrandom.seed(1)\nx = random.random()"),
        ("step:b", "print(random.random())"),
        ("step:a", "print(random.random())"),
    ]
    found = [(one["code"], one["name"]) for one in check(tmp_path / "study.ipynb", cells)]
    assert ("CM206", "random") in found


def test_a_module_that_a_cell_writes_is_read_by_its_import(tmp_path: Path) -> None:
    cells = [("step:write", "%%writefile limits.py\nLIMIT = 1"), ("step:use", "import limits\nprint(limits.LIMIT)")]
    check(tmp_path / "study.ipynb", cells)
    shown = CliRunner().invoke(main, ["steps", str(tmp_path / "study.ipynb"), "--json"]).stdout
    assert json.loads(shown)["edges"][0]["reasons"] == ["files: limits.py"]


def test_a_check_that_sees_another_steps_change_is_told(tmp_path: Path) -> None:
    change, check_it = ("step:clean", "rows = [one for one in rows if one]"), ("check:make", "assert len(rows) == 2")
    late = check(tmp_path / "late.ipynb", [MAKE, change, check_it, USE])
    assert [(one["kind"], one["cell"]) for one in late if one["code"] == "CM114"] == [("check-after-change", 3)]
    harmless = check(tmp_path / "harmless.ipynb", [MAKE, ("step:other", "n = len(rows)"), check_it, USE])
    assert not [one for one in harmless if one["code"] == "CM114"]


@pytest.mark.parametrize(
    "line, edges",
    [
        ("%metric loss sum(row ** 2 for row in rows)", [("make", "judge"), ("make", "use")]),
        ("%metric loss -rows[0] * 2", [("make", "judge"), ("make", "use")]),
        ("%metric last rows.pop()", [("judge", "use"), ("make", "judge")]),
    ],
)
def test_a_metric_is_read_as_the_expression_that_it_is(tmp_path: Path, line: str, edges: list[tuple[str, str]]) -> None:
    cells = [("step:make", "rows = [3, 1]"), ("step:judge", line), USE]
    path = tmp_path / "n.ipynb"
    made = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)

    checked = CliRunner().invoke(main, ["check", str(path), "--json"], catch_exceptions=False)
    told = CliRunner().invoke(main, ["steps", str(path), "--json"], catch_exceptions=False)

    assert "CM201" not in checked.output
    found = [(edge["provider"], edge["consumer"]) for edge in json.loads(told.output)["edges"] if edge["variables"]]
    assert sorted(found) == edges
