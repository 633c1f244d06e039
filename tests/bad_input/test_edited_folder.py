"""Pipeline folders that are not as promotion left them: nothing of anybody's work is lost unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROMOTE = ("promote", "notebooks/churn.ipynb")


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"# mine\n")


def append_latin(path: Path) -> None:
    path.write_bytes(path.read_bytes() + "# für mich\n".encode("latin-1"))


EDITS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a task": ("tasks/train.py", append),
    "not in UTF-8": ("tasks/train.py", append_latin),
    "the settings": ("cellmill.yaml", append),
    "deleted": ("tasks/load.py", os.unlink),
}


@pytest.mark.parametrize("name, edit", EDITS.values(), ids=EDITS)
def test_an_edit_is_kept_and_told(churn: Any, name: str, edit: Callable[[Path], None]) -> None:
    edit(churn.pipeline / name)
    edited = churn.listing(churn.pipeline)

    done = churn.cellmill(*PROMOTE)

    assert done.returncode == 0
    assert f"Edited by hand, and kept: {name}." in done.stdout
    left = churn.listing(churn.pipeline)
    assert {one: left[one] for one in left if not one.startswith(".promotion")} == {
        one: edited[one] for one in edited if not one.startswith(".promotion")
    }


def test_only_overwrite_loses_an_edit(churn: Any, template: Any) -> None:
    append(churn.pipeline / "tasks/train.py")

    assert churn.cellmill(*PROMOTE, "--diff").returncode == 0
    assert (churn.pipeline / "tasks/train.py").read_bytes().endswith(b"# mine\n")
    assert churn.cellmill(*PROMOTE, "--overwrite").returncode == 0

    assert churn.listing(churn.pipeline) == template.listing(template.pipeline)


def test_a_pinned_version_and_an_edit_of_a_renamed_step_are_not_lost(churn: Any, churn_cells: Any) -> None:
    append(churn.pipeline / "requirements.lock")
    append(churn.pipeline / "tasks/train.py")
    assert churn.cellmill(*PROMOTE, "--dry-run").returncode == 0
    churn.write(*churn_cells[:2], ("print(kind, sum(xs))", "step:fit"))

    done = churn.cellmill(*PROMOTE)

    assert done.returncode == 0
    assert "Edited by hand, and kept: requirements.lock, tasks/fit.py." in done.stdout
    assert (churn.pipeline / "requirements.lock").read_text().endswith("# mine\n")
    assert "# mine\n" in (churn.pipeline / "tasks/fit.py").read_text()


def test_what_an_engineer_added_stays(churn: Any, churn_cells: Any) -> None:
    (churn.pipeline / "env.prod.yaml").write_text("rows: 9\n")
    (churn.pipeline / "env.test.yaml").write_text("rows: 1\n")
    (churn.pipeline / "output/train").mkdir(parents=True)
    churn.write(*churn_cells[:2], ("print(kind, max(xs))", "step:train"))

    churn.promote()

    assert "max(xs)" in (churn.pipeline / "tasks/train.py").read_text()
    assert (churn.pipeline / "env.prod.yaml").read_text() == "rows: 9\n"
    assert (churn.pipeline / "env.test.yaml").read_text() == "rows: 1\n"
    assert (churn.pipeline / "output/train").is_dir()


def foreign_folder(churn: Any) -> str:
    (churn.pipeline / ".promotion.json").unlink()
    return "pipelines/churn exists and was not made by promotion"


def broken_provenance(churn: Any) -> str:
    (churn.pipeline / ".promotion.json").write_text('{"format": 1,')
    return "pipelines/churn exists and was not made by promotion"


def file_in_its_place(churn: Any) -> str:
    shutil.rmtree(churn.pipeline)
    churn.pipeline.write_text("notes\n")
    return "pipelines/churn exists and was not made by promotion"


def other_notebook(churn: Any) -> str:
    content = (churn.pipeline / ".promotion.json").read_text()
    (churn.pipeline / ".promotion.json").write_text(content.replace("notebooks/churn.ipynb", "notebooks/other.ipynb"))
    return "pipeline churn was promoted from ../../notebooks/other.ipynb, not from this notebook"


@pytest.mark.parametrize("spoil", [foreign_folder, broken_provenance, file_in_its_place, other_notebook])
def test_a_folder_that_is_not_this_notebooks_is_left_alone(churn: Any, spoil: Callable[[Any], str]) -> None:
    words = spoil(churn)

    done = churn.refused(*PROMOTE)

    assert done.stderr == (
        f"Error: notebooks/churn.ipynb: {words}; choose another name with --name, or overwrite it with --force.\n"
    )
