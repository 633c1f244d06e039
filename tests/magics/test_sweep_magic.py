"""``%sweep`` in a real kernel: what it shows while it runs and when it has ended, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

CELLS = (
    "%%parameters\nstrength: float = 1.0\nkind: str = 'square'",
    "%%step load\nrows = [1, 2, 3]",
    "%%step judge\nif strength == 3:\n    raise ValueError('too strong')\n"
    "loss = sum(strength * row for row in rows) - (kind == 'cube')\n%metric loss loss",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory, write_cells) -> Path:
    """A project with a promoted pipeline."""
    folder = tmp_path_factory.mktemp("sweeping")
    (folder / "pyproject.toml").touch()
    write_cells(folder / "notebooks" / "churn.ipynb", *CELLS)
    return folder


@pytest.fixture(scope="module")
def author(start_module, place):
    """The notebook's kernel, in which the pipeline was made."""
    path = place / "notebooks" / "churn.ipynb"
    kernel = start_module(path.parent, {"JPY_SESSION_NAME": str(path)})
    shown = kernel.run("%load_ext cellmill\n%promote")
    assert shown.status == "ok", shown.traceback
    return kernel


def test_a_sweep_ends_in_its_table_best_first_with_the_plot(author, place) -> None:
    line = "%sweep -p strength=1,2 -p kind=square,cube --metric loss --minimize --promote-best"
    shown = author.run(line, timeout=120)
    assert shown.status == "ok", shown.stderr + shown.traceback
    assert len(shown.displays) == 1, "the table updates in place"
    head = shown.text.splitlines()[0]
    assert re.match(
        r"churn: succeeded in .* Of 4 combinations the lowest loss, 5, is that of strength=1.0, kind=cube\.", head
    )
    rows = [line.split() for line in shown.text.splitlines() if re.search("(square|cube) +[0-9]", line)]
    assert [row[:3] for row in rows] == [
        ["best", "1.0", "cube"],
        ["1.0", "square", "6"],
        ["2.0", "cube", "11"],
        ["2.0", "square", "12"],
    ]
    assert len(re.findall('<g class="line[ "]', shown.html)) == 4, "the plot stays in the saved notebook"
    assert not any("widget" in kind for kind in shown.displays[-1])
    told = (
        "cellmill sweep ../pipelines/churn -p strength=1,2 -p kind=square,cube --metric loss --minimize --promote-best"
    )
    assert f"To write the best values into env.yaml, type in a terminal: {told}" in " ".join(shown.text.split("\n"))
    assert "strength: 1.0" in (place / "pipelines/churn/env.yaml").read_text(), "nothing is written from a cell"
    (record,) = (place / ".cellmill" / "runs").iterdir()
    header = json.loads((record / "run.json").read_text())
    assert (header["kind"], header["source"]) == ("sweep", "magic")
    assert json.loads((record / "end.json").read_text())["state"] == "succeeded"


def test_a_failed_combination_is_told_in_one_line_and_the_others_stay(author) -> None:
    shown = author.run("%sweep churn -p strength=1,3", timeout=120)
    assert shown.status == "error"
    assert shown.traceback.startswith("strength=3.0: ")
    assert "cell 3, line 3 (step judge): ValueError: too strong" in shown.traceback
    assert "\n" not in shown.traceback.strip()
    assert re.search(r"3\.0 .*failed", shown.text)

    shown = author.run("%sweep -p strength=1,2 -p kind=square,cube --metric los --minimize", timeout=120)
    assert shown.traceback.strip() == "Error: no step recorded the metric los; did you mean loss?"
    assert shown.text.count("up to date") == 4


@pytest.mark.parametrize(
    "line, says",
    [
        ("%sweep", "%sweep has no values to try; write them as in %sweep -p alpha=0.1,0.2"),
        ("%sweep -p strength=1,2 --metric loss", "say whether the best loss is the lowest or the highest"),
        ("%sweep -p strength=1,2 --minimize", "--minimize goes with --metric NAME"),
        ("%sweep -p strength=1,2 --random some", "--random takes a whole number from 1 on, not some"),
        ("%sweep -p strength=1,2 --seed 3", "--seed goes with --random N"),
        ("%sweep -p strength=1,2 --promote-best", "--promote-best goes with --metric NAME"),
        ("%sweep -p strength=1,x", "parameter strength takes a float, not x"),
        ("%sweep -p strenght=1,2", "there is no parameter strenght"),
        ("%sweep chrun -p strength=1,2", "there is no pipeline chrun"),
    ],
)
def test_what_can_not_be_swept_is_told_in_one_line(author, line, says) -> None:
    shown = author.run(line)
    assert shown.status == "error"
    assert "\n" not in shown.traceback.strip()
    assert says in shown.traceback
