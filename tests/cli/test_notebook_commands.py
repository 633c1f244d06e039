"""check, steps, tag and promote: what they print, what they write, how they exit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

Cellmill = Callable[..., Result]

CELLS = [
    ("n = 3", ["parameters"]),
    ("xs = list(range(n))", ["step:load"]),
    ("total = sum(xs)", ["step:train"]),
]

BROKEN = [
    ("n = 3", ["parameters"]),
    ("xs = [1, 2, 3]", []),
    ("print(\n    sum(xs)\n)", ["step:load"]),
    ("y = misspelt + 1", ["step:train"]),
]


def test_check_says_that_a_notebook_is_ready(cellmill: Cellmill, write_notebook: Any) -> None:
    write_notebook()

    result = cellmill("check", "notebooks/churn.ipynb")

    assert result.exit_code == 0
    assert "notebooks/churn.ipynb is ready for promotion" in result.output


def test_check_tells_each_error_with_place_reason_and_remedy(cellmill: Cellmill, write_notebook: Any) -> None:
    write_notebook(BROKEN)

    result = cellmill("check", "notebooks/churn.ipynb")

    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == "Errors"
    assert lines[1].startswith("  cell 3, line 2  ")
    assert "`xs`" in lines[2]
    assert lines[3].startswith("    → ")
    assert lines[4].startswith("  cell 4, line 1  ")
    assert "`misspelt`" in lines[5]
    assert lines[6].startswith("    → ")
    assert "is not ready for promotion: 2 errors" in lines[-1]


def test_check_as_json(cellmill: Cellmill, write_notebook: Any) -> None:
    write_notebook(BROKEN)
    result = cellmill("check", "notebooks/churn.ipynb", "--json")

    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert list(content) == ["notebook", "ready", "pipeline", "findings", "ignored", "steps", "edges"]
    assert content["pipeline"] is None
    assert content["ready"] is False
    assert {(one["severity"], one["cell"], one["line"], one["name"]) for one in content["findings"] if one["cell"]} == {
        ("error", 3, 2, "xs"),
        ("error", 4, 1, "misspelt"),
    }

    write_notebook()
    content = json.loads(cellmill("check", "notebooks/churn.ipynb", "--json").stdout)
    assert content["ready"] is True
    assert content["edges"] == [
        {
            "provider": "load",
            "consumer": "train",
            "variables": ["xs"],
            "order": False,
            "reasons": [],
            "evidence": "static",
            "types": {},
        }
    ]
    assert [(step["name"], step["cells"], step["checks"]) for step in content["steps"]] == [
        ("load", [4], []),
        ("train", [5], [6]),
    ]


def test_steps_shows_what_is_handed_over(cellmill: Cellmill, write_notebook: Any) -> None:
    write_notebook()

    output = cellmill("steps", "notebooks/churn.ipynb").output

    assert (
        output.partition("\n\n")[0] + "\n" == "load  cell 4\n  parameters  n\n  → xs\ntrain  cells 5-6\n  ← load  xs\n"
    )
    content = json.loads(cellmill("steps", "notebooks/churn.ipynb", "--json").stdout)
    assert list(content) == ["notebook", "pipeline", "steps", "edges"]


def test_tag_proposes_and_writes_only_when_asked(cellmill: Cellmill, write_notebook: Any) -> None:
    cells = [
        ("# Load", []),
        ("xs = [1]", []),
        ("# Train a model", []),
        ("y = sum(xs)", []),
        ("# Report", []),
        ("print(y)", []),
    ]
    path = write_notebook(cells)
    before = path.read_bytes()

    result = cellmill("tag", "notebooks/churn.ipynb", "--from-headings")

    assert result.exit_code == 0
    assert "cell   4  step:train_a_model" in result.output
    assert "3 tags proposed, nothing written" in result.output
    assert path.read_bytes() == before

    result = cellmill("tag", "notebooks/churn.ipynb", "--from-headings", "--write")
    assert "Wrote 3 tags" in result.output
    assert json.loads(path.read_text())["cells"][3]["metadata"]["tags"] == ["step:train_a_model"]
    assert cellmill("check", "notebooks/churn.ipynb").exit_code == 0
    assert "has a tag or needs none" in cellmill("tag", "notebooks/churn.ipynb", "--from-headings").output
    assert cellmill("tag", "notebooks/churn.ipynb").exit_code == 2


def test_tag_cuts_a_notebook_without_headings_into_equal_parts(cellmill: Cellmill, write_notebook: Any) -> None:
    sources = ["import math", "xs = list(\n range(2)\n)", "ys = [math.pi for _ in xs]", "z = sum(ys)", "print(z)"]
    path = write_notebook([(source, []) for source in sources])

    result = cellmill("tag", "notebooks/churn.ipynb", "--equal-parts", "2")
    assert "to write them: cellmill tag notebooks/churn.ipynb --equal-parts 2 --write" in result.output

    assert cellmill("tag", "notebooks/churn.ipynb", "--equal-parts", "2", "--write").exit_code == 0
    tags = [cell["metadata"]["tags"] for cell in json.loads(path.read_text())["cells"]]
    assert tags == [["shared"], ["step:part_1"], *[["step:part_2"]] * 3]
    assert cellmill("check", "notebooks/churn.ipynb").exit_code == 0
    assert cellmill("tag", "notebooks/churn.ipynb", "--equal-parts", "2", "--from-headings").exit_code == 2


def test_promote_writes_and_says_how_to_run(cellmill: Cellmill, write_notebook: Any, project: Path) -> None:
    write_notebook()

    result = cellmill("promote", "notebooks/churn.ipynb")

    assert result.exit_code == 0, result.output
    assert "Promoted to pipelines/churn: 2 steps, wrote " in result.output
    assert result.output.endswith(
        "Run it with: cellmill run pipelines/churn\nNever verified: cellmill verify pipelines/churn\n"
    )
    assert (project / "pipelines/churn/pipeline.yaml").exists()
    assert "pipelines/churn is current: nothing to write." in cellmill("promote", "notebooks/churn.ipynb").output


def test_promote_previews_without_writing(cellmill: Cellmill, write_notebook: Any, project: Path) -> None:
    write_notebook()

    listing = cellmill("promote", "notebooks/churn.ipynb", "--dry-run", "--name", "other")
    assert listing.exit_code == 0
    assert "pipelines/other (nothing is written)\n" in listing.output
    assert "tasks/train.py" in listing.output
    assert not (project / "pipelines").exists()

    cellmill("promote", "notebooks/churn.ipynb", "--into", "made")
    same = cellmill("promote", "notebooks/churn.ipynb", "--into", "made", "--diff")
    assert (same.stdout, same.stderr) == ("", "made/churn is current: promotion would change nothing.\n")
    write_notebook([*CELLS_CHANGED])
    diff = cellmill("promote", "notebooks/churn.ipynb", "--into", "made", "--diff")
    assert "-total = double(sum(xs))" in diff.output
    assert "+total = 7" in diff.output
    assert "total = 7" not in (project / "made/churn/tasks/train.py").read_text()
    listing = cellmill("promote", "notebooks/churn.ipynb", "--into", "made", "--dry-run")
    assert "  changed " in listing.output
    assert "  same " in listing.output


def test_promote_refuses_what_is_not_ready_and_what_was_edited(
    cellmill: Cellmill, write_notebook: Any, project: Path
) -> None:
    write_notebook(BROKEN)
    result = cellmill("promote", "notebooks/churn.ipynb")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: notebooks/churn.ipynb, cell 3, line 2: not ready for promotion: `xs` is only defined in an untagged "
        "cell (cell 2), which is not promoted (and 1 more: see `cellmill check notebooks/churn.ipynb`); "
        "tag cell 2 `step:load`.\n"
    )
    assert "cell 4, line 1" in result.stdout
    assert not (project / "pipelines").exists()

    write_notebook()
    cellmill("promote", "notebooks/churn.ipynb")
    task = project / "pipelines/churn/tasks/train.py"
    task.write_text(task.read_text().replace("total = double(sum(xs))", "total = double(len(xs))") + "# mine\n")
    write_notebook([*CELLS_CHANGED])
    before = task.read_text()
    result = cellmill("promote", "notebooks/churn.ipynb")
    assert result.exit_code == 1
    line = before.splitlines().index("total = double(len(xs))") + 1
    place = f"pipelines/churn/tasks/train.py, cell 5, line {line}: both sides changed the same lines"
    assert f"Conflict: {place}.\n" in result.stderr
    assert "--keep-edits" in result.stderr
    assert "+<<<<<<< the pipeline as it was edited\n total = double(len(xs))\n+=======\n+total = 7\n" in result.stdout
    assert task.read_text() == before
    listing = cellmill("promote", "notebooks/churn.ipynb", "--dry-run").stdout
    assert "  cell 5 of step train has changed\n" in listing
    assert f"Conflict: {place}." in listing
    diff = cellmill("promote", "notebooks/churn.ipynb", "--diff", "--keep-edits").stdout
    assert diff.startswith("# cell 5 of step train has changed.\n")

    result = cellmill("promote", "notebooks/churn.ipynb", "--keep-edits")
    assert result.exit_code == 0
    assert "total = double(len(xs))" in task.read_text()
    assert "# mine" in task.read_text()
    assert "Edited by hand, and kept: tasks/train.py" in cellmill("promote", "notebooks/churn.ipynb").stdout
    assert cellmill("promote", "notebooks/churn.ipynb", "--force").exit_code == 0
    assert "# mine" not in task.read_text()
    assert cellmill("promote", "notebooks/churn.ipynb", "--force", "--keep-edits").exit_code == 2


CELLS_CHANGED = [
    ("# Churn", []),
    ("n = 3", ["parameters"]),
    ("def double(x):\n    return 2 * x", ["shared"]),
    ("xs = list(range(n))", ["step:load"]),
    ("total = 7\ntotal", ["step:train"]),
    ("assert total >= 0", ["check:train"]),
]


def test_marked_conflicts_are_told_with_their_place_and_stop_everything(
    write_notebook: Any, cellmill: Any, project: Path
) -> None:
    write_notebook(CELLS)
    assert cellmill("promote", "notebooks/churn.ipynb").exit_code == 0
    task, other = (project / "pipelines/churn/tasks" / name for name in ("load.py", "train.py"))
    task.write_text(task.read_text().replace("xs = list(range(n))", "xs = [*range(n)]"))
    other.write_text(other.read_text().replace("sum(xs)", "max(xs)"))
    write_notebook([(text.replace("list(range(n))", "list(range(n + 1))"), tags) for text, tags in CELLS])

    marking = cellmill("promote", "notebooks/churn.ipynb", "--conflicts", "mark")
    assert marking.exit_code == 1
    line = task.read_text().splitlines().index("<<<<<<< the pipeline as it was edited") + 1
    assert f"Conflict, marked: pipelines/churn/tasks/load.py, cell 2, line {line}: " in marking.stderr
    assert "1 conflict is left to you" in marking.stderr
    assert "merged with" not in marking.stdout
    assert "Edited by hand, and kept: tasks/train.py" in marking.stdout

    check = cellmill("check", "notebooks/churn.ipynb")
    assert check.exit_code == 1
    assert f"conflict is marked and not decided in pipelines/churn/tasks/load.py, line {line}" in check.stdout
    for command in (["run", "churn"], ["steps", "notebooks/churn.ipynb"], ["sync", "churn"], ["verify", "churn"]):
        result = cellmill(*command)
        assert (result.exit_code, f"pipelines/churn/tasks/load.py, line {line}" in result.stderr) == (1, True), command
    again = cellmill("promote", "notebooks/churn.ipynb", "--conflicts", "mark")
    assert (again.exit_code, task.read_text().count("<<<<<<<")) == (1, 1)

    # One mark that is left over is not yet a decision.
    task.write_text(task.read_text().replace("<<<<<<< the pipeline as it was edited\n", ""))
    assert cellmill("check", "notebooks/churn.ipynb").exit_code == 1
    taken = cellmill("promote", "notebooks/churn.ipynb", "--overwrite-file", "pipelines/churn/tasks/load.py")
    assert taken.exit_code == 0, taken.output
    assert "thrown away in tasks/load.py." in taken.stdout
    assert "max(xs)" in other.read_text()
    assert cellmill("check", "notebooks/churn.ipynb").exit_code == 0
    wrong = cellmill("promote", "notebooks/churn.ipynb", "--overwrite-file", "tasks/lod.py")
    assert (wrong.exit_code, "did you mean tasks/load.py?" in wrong.stderr) == (1, True)


def test_marks_that_the_notebook_itself_has_are_no_conflict(write_notebook: Any, cellmill: Any) -> None:
    text = 'xs = """\n<<<<<<< HEAD\n=======\n>>>>>>> other\n"""'
    write_notebook([(text, ["step:load"])])
    for _ in range(2):
        assert cellmill("promote", "notebooks/churn.ipynb").exit_code == 0
    assert cellmill("check", "notebooks/churn.ipynb").exit_code == 0


def test_an_edited_file_of_a_step_that_is_gone_is_told(write_notebook: Any, cellmill: Any, project: Path) -> None:
    write_notebook(CELLS)
    assert cellmill("promote", "notebooks/churn.ipynb").exit_code == 0
    task = project / "pipelines/churn/tasks/train.py"
    task.write_text(task.read_text().replace("sum(xs)", "max(xs)"))
    write_notebook(CELLS[:2])
    result = cellmill("promote", "notebooks/churn.ipynb", "--keep-edits")
    assert result.exit_code == 0
    assert (
        "no run uses it now, since the notebook has no cells for it: pipelines/churn/tasks/train.py;" in result.stdout
    )
    assert "merged" not in result.stdout
