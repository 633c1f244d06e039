"""check, steps, tag and promote: what they print, what they write, how they exit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

Cellmill = Callable[..., Result]

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
    assert list(content) == ["notebook", "ready", "findings", "ignored", "steps", "edges"]
    assert content["ready"] is False
    assert {(one["severity"], one["cell"], one["line"], one["name"]) for one in content["findings"] if one["cell"]} == {
        ("error", 3, 2, "xs"),
        ("error", 4, 1, "misspelt"),
    }

    write_notebook()
    content = json.loads(cellmill("check", "notebooks/churn.ipynb", "--json").stdout)
    assert content["ready"] is True
    assert content["edges"] == [
        {"provider": "load", "consumer": "train", "variables": ["xs"], "order": False, "reasons": []}
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
    assert list(content) == ["notebook", "steps", "edges"]


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


def test_promote_writes_and_says_how_to_run(cellmill: Cellmill, write_notebook: Any, project: Path) -> None:
    write_notebook()

    result = cellmill("promote", "notebooks/churn.ipynb")

    assert result.exit_code == 0, result.output
    assert "Promoted to pipelines/churn: 2 steps, wrote " in result.output
    assert result.output.endswith("Run it with: cellmill run pipelines/churn\n")
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
    task.write_text(task.read_text() + "# mine\n")
    write_notebook([*CELLS_CHANGED])
    result = cellmill("promote", "notebooks/churn.ipynb")
    assert result.exit_code == 1
    assert "tasks/train.py" in result.stderr
    assert "--force" in result.stderr
    assert "# mine" in task.read_text()
    assert cellmill("promote", "notebooks/churn.ipynb", "--force").exit_code == 0
    assert "# mine" not in task.read_text()


CELLS_CHANGED = [
    ("# Churn", []),
    ("n = 3", ["parameters"]),
    ("def double(x):\n    return 2 * x", ["shared"]),
    ("xs = list(range(n))", ["step:load"]),
    ("total = 7\ntotal", ["step:train"]),
    ("assert total >= 0", ["check:train"]),
]
