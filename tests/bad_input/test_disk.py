"""Disks that are full or read-only: small ones in memory, mounted under a whole project or under one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

PROMOTE = ("promote", "notebooks/churn.ipynb")


@pytest.fixture
def small(tmp_path: Path, mount: Callable[..., None], make_project: Callable[[Path], Any]) -> Any:
    """A project on a disk of 3 MB of its own."""
    mount(tmp_path / "disk", "size=3m")
    return make_project(tmp_path / "disk")


def fill(root: Path, free: int) -> Path:
    """Leave only so many bytes of the disk free; gives the file that takes the rest."""
    filler = root.parent / "disk" / "filler"
    filler.write_bytes(b"\0" * (shutil.disk_usage(root).free - free))
    return filler


def test_promotion_on_a_full_disk_leaves_the_old_folder_or_none(small: Any) -> None:
    small.write(("x = 1", "step:load"))
    filler = fill(small.root, free=20_000)

    done = small.refused(*PROMOTE)
    assert done.stderr == (
        "Error: can't write pipelines/churn (No space left on device), nothing was changed; "
        "free some space or choose another folder.\n"
    )
    assert not (small.root / "pipelines").exists()

    filler.unlink()
    small.promote()
    small.write(("x = 2", "step:load"))
    filler = fill(small.root, free=20_000)
    assert small.refused(*PROMOTE).stderr == done.stderr

    filler.unlink()
    small.promote()
    assert "x = 2" in (small.pipeline / "tasks/load.py").read_text()


def test_a_read_only_disk_is_told_and_left_alone(
    small: Any, tmp_path: Path, mount: Callable[..., None], churn_cells: Any
) -> None:
    small.write(*churn_cells)
    small.promote()
    small.write(*churn_cells[:2], ("print(xs)", "step:train"))
    mount(tmp_path / "disk", "ro")

    assert small.refused(*PROMOTE).stderr == (
        "Error: can't write pipelines/churn (Read-only file system), nothing was changed; "
        "make it writable or choose another folder.\n"
    )
    assert small.refused("run", "churn").stderr == (
        "Error: pipelines/churn/output: can't be written: the disk is read-only (pipelines/churn/output); "
        "make the folder writable or copy the pipeline to one that is.\n"
    )


def test_tags_are_not_written_to_a_read_only_disk(small: Any, tmp_path: Path, mount: Callable[..., None]) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("# Load"), nbformat.v4.new_code_cell("x = 1")]
    nbformat.write(notebook, small.notebook)
    mount(tmp_path / "disk", "ro")

    assert small.refused("tag", "notebooks/churn.ipynb", "--from-headings", "--write").stderr == (
        "Error: can't write notebooks/churn.ipynb (Read-only file system), nothing was changed; "
        "make it writable or choose another folder.\n"
    )


def test_a_run_on_a_full_disk_leaves_nothing_that_looks_whole_and_the_next_one_works(small: Any) -> None:
    small.write(("xs = list(range(50_000))\nlen(xs)", "step:load"), ("print(sum(xs))", "step:train"))
    small.promote()
    before = small.listing()
    filler = fill(small.root, free=60_000)

    done = small.cellmill("run", "churn")

    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    line = done.stderr.rstrip()
    assert "(step load)" in line or "step load:" in line
    assert "there is no space left on the disk" in line
    assert line.endswith("; free some or run with the pipeline on another disk.")
    assert small.processes() == []
    after = small.listing()
    assert {path: after[path] for path in before} == before
    for path in after.keys() - before.keys():
        if path.endswith((".ipynb", ".json")):
            json.loads((small.root / path).read_text())
        if path.endswith(".html"):
            assert (small.root / path).read_text().rstrip().endswith("</html>")
    assert not (small.root / "mlflow.db").exists()
    assert list((small.root / ".cellmill/spool").glob("*")) == []

    (end,) = (small.root / ".cellmill/runs").glob("*/end.json")
    assert json.loads(end.read_text())["state"] == "failed"

    filler.unlink()
    done = small.cellmill("run", "churn")
    assert done.returncode == 0, done.stderr
    assert "[2/2] train: done in " in done.stdout
    assert "MLflow: experiment churn, run " in done.stdout


@pytest.mark.parametrize("spoil", ["read-only", "a file"])
def test_an_unwritable_output_folder_is_told(churn: Any, mount: Callable[..., None], spoil: str) -> None:
    output = churn.pipeline / "output"
    if spoil == "a file":
        output.write_text("notes\n")
        words = "a file stands where a folder is needed (pipelines/churn/output); move it away"
    else:
        mount(output, "size=64k,ro")
        words = (
            "the disk is read-only (pipelines/churn/output/.lock); "
            "make the folder writable or copy the pipeline to one that is"
        )

    assert churn.refused("run", "churn").stderr == f"Error: pipelines/churn/output: can't be written: {words}.\n"
