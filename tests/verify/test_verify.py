"""Verification: equal where notebook and pipeline give the same, otherwise the differences by cell."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import nbformat
import pytest

from cellmill.errors import CellmillError
from cellmill.promote.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workspace


def test_what_a_step_deletes_is_gone(tmp_path: Path) -> None:
    made = "log = []\nclass Noted:\n    def __del__(self): log.append('gone')\none = Noted()"
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for tag, source in (("step:make", made), ("step:drop", "del one\nprint(log)")):
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}))
    nbformat.write(notebook, tmp_path / "study.ipynb")
    found = verify(tmp_path / "study.ipynb")
    assert found.equal, found.summary


def test_a_faithful_pipeline_is_equal(workspace: Workspace) -> None:
    folder = workspace.promote()
    before = workspace.files()
    found = verify(folder)
    assert found.equal, found.summary
    assert [(cell.number, cell.task, cell.state) for cell in found.cells] == [
        (3, None, "ignored"),
        (4, "load", "equal"),
        (5, "load", "ignored"),
        *((number, "train", "equal") for number in (7, 8, 9)),
        *((number, "report", "equal") for number in (10, 11, 12)),
    ]
    assert found.summary == (
        "sums.ipynb: 7 cells show the same in the pipeline; 2 cells not compared (3: shared code, which runs as part "
        "of a module, 5: nbval's tags or comments leave its outputs out); 2 variables handed over are equal."
    )
    assert json.loads(json.dumps(found.as_dict()))["equal"] is True
    assert workspace.files() == before, "nothing of the proof stays in the project"


def test_differences_are_listed_by_cell(workspace: Workspace) -> None:
    folder = workspace.promote()
    workspace.edit("tasks/load.py", "print('loaded', len(xs))", "print('loaded', len(xs) + 1)")
    # The comparison is made with the notebook's parameters, not with those that production has by now.
    workspace.edit("env.yaml", "n: 5", "n: 4")
    found = verify(folder)
    assert not found.equal
    assert [cell.number for cell in found.cells if cell.state == "different"] == [4]
    assert {cell.state for cell in found.cells if cell.number > 5} == {"equal"}
    assert "Cell 4 (task load) differs:\n--- sums.ipynb, cell 4\n+++ task load\n" in found.summary
    assert "-loaded 5\n+loaded 6\n" in found.summary
    assert "sums.ipynb: 1 of 7 cells differ in the pipeline; 2 cells not compared (" in found.summary
    assert "Likely cause: tasks/load.py was edited by hand since the promotion." in found.summary


def test_a_notebook_is_promoted_aside_unless_its_pipeline_is_current(workspace: Workspace) -> None:
    # Two cells were changed after they ran; what the author leaves out of the tests is not looked at.
    workspace.write(loa="xs = list(range(n))\nprint('read', len(xs))\nxs", id1="1", obj="[object(), 1]")
    before = workspace.files()
    found = verify(workspace.notebook)
    assert found.equal, found.summary
    assert "sums.ipynb: the saved outputs of cells 4, 8 are not what the notebook gives; restart" in found.summary
    assert "sums does not exist yet: the notebook was promoted to a temporary folder" in found.summary
    assert workspace.files() == before
    assert not found.folder.exists()


def test_a_notebook_that_fails_is_said_to(workspace: Workspace) -> None:
    workspace.write(**{"try": "1 / 0"})
    found = verify(workspace.promote())
    assert not found.equal
    assert found.notebook_failure == "cell 6: ZeroDivisionError: division by zero"
    assert "The notebook itself fails: cell 6: ZeroDivisionError" in found.summary


def test_a_pipeline_that_fails_is_said_to(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = workspace.promote()
    place = workspace.root / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    workspace.edit("tasks/train.py", "total = double(sum(xs))", "total = double(sum(xs)) / 0")
    found = verify(folder)
    assert not found.equal
    assert found.run_failure is not None
    assert "sums.ipynb, cell 7, line 1 (step train): ZeroDivisionError" in found.run_failure
    assert len(list(place.glob("*/output/train.ipynb"))) == 1, "what the sentence says to open is kept"
    assert "Not reached in the pipeline: cell 8, 9\n" in found.summary
    assert found.summary.endswith("sums.ipynb: only 5 cells could be compared; 1 of them differ.")


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CellmillError, match=r"not a promoted pipeline.*cellmill promote"):
        verify(tmp_path)
