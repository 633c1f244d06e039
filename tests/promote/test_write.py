"""Writing a plan: the same bytes for the same notebook, nothing touched without need, and whole whatever happens."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellmill.errors import CellmillError
from cellmill.promote import diff_plan, edited_files, make_plan, write_plan

CELLS = [
    ("", "# Churn"),
    ("parameters", "rows: int = 3\nseed = 7"),
    ("shared", "import math\n\ndef double(x):\n    return 2 * x"),
    ("step:load", "xs = [double(row) for row in range(rows)]\nxs"),
    ("step:train", "total = math.fsum(xs) + seed\ntotal"),
    ("check:train", "assert total >= 0"),
    ("step:report", "print(f'{total:g}', len(xs))"),
]
Files = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def notebook(project: Path, write_notebook: Any) -> Path:
    return Path(write_notebook(project / "notebooks" / "churn.ipynb", CELLS))


@pytest.fixture
def folder(notebook: Path) -> Path:
    """The pipeline that the notebook is promoted to."""
    return write_plan(make_plan(notebook)).folder


@pytest.fixture
def write_cells(project: Path, write_notebook: Any) -> Callable[..., Path]:
    """Write the notebook with other sources in some of its cells, or without some."""

    def write(without: tuple[str, ...] = (), **sources: str) -> Path:
        cells = [(tag, sources.get(tag.partition(":")[2], source)) for tag, source in CELLS if tag not in without]
        return Path(write_notebook(project / "notebooks" / "churn.ipynb", cells))

    return write


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """For each file and folder, what changes when it is touched."""
    places = [folder, *folder.rglob("*")]
    return {str(place): (place.stat().st_mtime_ns, place.stat().st_ino) for place in places}


def test_the_same_notebook_gives_the_same_bytes(notebook: Path, folder: Path, files_of: Files, tmp_path: Path) -> None:
    once = files_of(folder)
    for seed, place in (("1", tmp_path), ("2", folder)):
        shutil.rmtree(folder / "tasks")
        done = subprocess.run(
            [Path(sys.executable).with_name("cellmill"), "promote", os.path.relpath(notebook, place), "--force"],
            cwd=place,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert files_of(folder) == once


def test_promoting_again_touches_nothing(notebook: Path, folder: Path) -> None:
    before = stamps(folder)
    plan = make_plan(notebook)
    assert diff_plan(plan) == ""
    written = write_plan(plan)
    assert (written.changed, written.removed, written.created) == ((), (), False)
    assert stamps(folder) == before


def test_a_changed_cell_changes_its_task_its_test_and_the_provenance(
    folder: Path, write_cells: Any, files_of: Files
) -> None:
    before = files_of(folder)
    plan = make_plan(write_cells(report="print(total, len(xs))"))
    written = write_plan(plan)
    after = files_of(folder)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    recorded = {".promotion.json", ".promotion.base.json"}
    assert changed == {"tasks/report.py", "tests/report.ipynb"} | recorded == set(written.changed)


def test_a_step_that_is_gone_takes_its_files_with_it(folder: Path, write_cells: Any, files_of: Files) -> None:
    before = files_of(folder)
    written = write_plan(make_plan(write_cells(without=("step:report",))))
    assert before.keys() - files_of(folder).keys() == {"tasks/report.py", "tests/report.ipynb"} == set(written.removed)


def test_what_engineers_and_runs_made_stays(folder: Path, write_cells: Any, tmp_path: Path) -> None:
    theirs = {
        "env.prod.yaml": "rows: 9\n",
        "env.test.yaml": "rows: 1\n",
        "tests/nbval.cfg": "[mine]\nregex: a\nreplace: b\n",
        "notes.md": "Ask Ada.\n",
        "tests/test_mine.py": "def test_mine(): ...\n",
        "sql/daily/query.sql": "select 1\n",
        "output/load/variables.json": "{}\n",
        "output/load.ipynb": "{}\n",
    }
    for name, text in theirs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "data").symlink_to(tmp_path, target_is_directory=True)
    (folder / "latest.md").symlink_to("notes.md")
    (folder / "notes.md").chmod(0o640)
    before = stamps(folder)

    write_plan(make_plan(write_cells(report="print(total)", load="xs = [1]\nxs")))

    assert "xs = [1]" in (folder / "tasks/load.py").read_text(encoding="utf-8")
    for name, text in theirs.items():
        assert (folder / name).read_text(encoding="utf-8") == text
        assert stamps(folder)[str(folder / name)][0] == before[str(folder / name)][0]
    assert (folder / "empty").is_dir()
    assert os.readlink(folder / "data") == str(tmp_path)
    assert os.readlink(folder / "latest.md") == "notes.md"
    assert (folder / "notes.md").stat().st_mode & 0o777 == 0o640
    assert edited_files(folder) == []


def test_edited_files_are_listed(folder: Path, notebook: Path) -> None:
    (folder / "tasks/load.py").write_text("xs = 1\n", encoding="utf-8")
    (folder / "README.md").unlink()
    assert set(edited_files(folder)) == {"tasks/load.py", "README.md"}
    diff = diff_plan(make_plan(notebook), "overwrite")
    assert "-xs = 1\n" in diff
    assert "+++ b/README.md\n" in diff


def test_a_folder_that_is_a_link_stays_one(folder: Path, write_cells: Any, project: Path) -> None:
    elsewhere = project / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    write_plan(make_plan(write_cells(report="print(total)")))
    assert folder.is_symlink()
    assert "print(total)" in (elsewhere / "tasks/report.py").read_text(encoding="utf-8")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["churn"]


def test_a_running_pipeline_is_not_replaced(folder: Path, write_cells: Any, files_of: Files) -> None:
    import fcntl

    (folder / "output").mkdir()
    before = files_of(folder)
    with (folder / "output" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CellmillError, match="a run is going on there; wait until it has ended or stop it"):
            write_plan(make_plan(write_cells(report="print(total)")))
    assert files_of(folder) == before | {"output/.lock": b""}
    assert [path.name for path in folder.parent.iterdir()] == ["churn"]


@pytest.fixture
def killed(notebook: Path) -> Callable[[Path, str], list[dict[str, Any]]]:
    """Promote in processes that are killed a little later each time."""

    def kill(before: Path, how: str) -> list[dict[str, Any]]:
        program = Path(__file__).with_name("killed_writes.py")
        done = subprocess.run(
            [sys.executable, str(program), str(notebook), str(before), how],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    return kill


def hashes(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


@pytest.mark.parametrize("how", ["at once", "plainly"])
def test_a_killed_promotion_leaves_the_old_folder_or_the_new(
    folder: Path, killed: Any, write_cells: Any, files_of: Files, tmp_path: Path, how: str
) -> None:
    (folder / "notes.md").write_text("Ask Ada.\n", encoding="utf-8")
    (folder / "output").mkdir()
    (folder / "output" / "load.ipynb").write_text("{}", encoding="utf-8")
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    old = hashes(files_of(folder))
    write_plan(plan := make_plan(write_cells(report="print(total)")))
    new = hashes(files_of(folder))

    seen = killed(before, how)

    assert len(seen) > 10
    assert all(one["killed"] for one in seen)
    lefts = [one["left"] for one in seen]
    product = {"output/load.ipynb": new["output/load.ipynb"]}
    whole = [old, new, *({name: value for name, value in one.items() if name not in product} for one in (old, new))]
    gone = [{}] if how == "plainly" else []
    assert all(left in [*whole, *gone] for left in lefts)
    assert old in lefts
    assert new in lefts
    assert all(one["after"] == new for one in seen)
    assert all(one["beside"] == [plan.folder.name] for one in seen)


def test_a_killed_first_promotion_leaves_nothing_or_the_folder(
    notebook: Path, killed: Any, files_of: Files, tmp_path: Path
) -> None:
    write_plan(plan := make_plan(notebook))
    new = hashes(files_of(plan.folder))
    seen = killed(tmp_path / "nothing", "at once")
    assert all(one["killed"] for one in seen)
    assert all(one["left"] in ({}, new) for one in seen)
    assert all(one["after"] == new and one["beside"] == ["churn"] for one in seen)
