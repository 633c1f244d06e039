"""Promoting again after both sides changed: what can be joined is joined, the rest is refused, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellmill.promote import PromotionRefused, diff_plan, make_plan, merge_plan, write_plan
from cellmill.promote.changes import changes_of
from cellmill.promote.write import changed_files

Cell = tuple[str, str, str]
LOAD = "xs = [1, 2, 3]\nys = [4, 5, 6]\nlimit = 2"
CELLS: list[Cell] = [
    ("p", "parameters", "rows: int = 3\nseed = 7"),
    ("s", "shared", "import math\n\n\ndef double(x):\n    return 2 * x"),
    ("note", "", "# Loading\n\nRead with care."),
    ("load", "step:load", LOAD),
    ("clean", "step:load", "xs = [x for x in xs if x <= limit]\nprint(len(xs))"),
    ("train", "step:train", "total = math.fsum(xs) + seed\ntotal"),
    ("check", "check:train", "assert total >= 0"),
    ("report", "step:report", "print(f'{total:g}', double(len(ys)))"),
]
Folder = Callable[[str], Path]


class Project:
    """A notebook and its pipeline, each changed at will."""

    def __init__(self, root: Path) -> None:
        self.notebook = root / "notebooks" / "churn.ipynb"
        self.folder = root / "pipelines" / "churn"
        self.cells = list(CELLS)

    def save(self, cells: list[Cell] | None = None, **sources: str) -> None:
        import nbformat

        self.cells = [(name, tag, sources.get(name, text)) for name, tag, text in cells or self.cells]
        notebook = nbformat.v4.new_notebook()
        for name, tag, text in self.cells:
            new = nbformat.v4.new_code_cell if tag else nbformat.v4.new_markdown_cell
            notebook.cells.append(new(text, id=name, metadata={"tags": [tag]} if tag else {}))
        self.notebook.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, self.notebook)

    def promote(self, **options: Any) -> Any:
        return write_plan(make_plan(self.notebook), **options)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert text.count(old) == 1, (old, text)
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    def conflicts(self) -> list[str]:
        return [str(one) for one in merge_plan(make_plan(self.notebook)).conflicts]

    def is_current(self) -> bool:
        plan = make_plan(self.notebook)
        return diff_plan(plan) == "" and changed_files(plan) == []


@pytest.fixture
def made(project: Path) -> Project:
    """A promoted project."""
    one = Project(project)
    one.save()
    one.promote()
    return one


def test_an_edit_stays_where_the_notebook_did_not_change(made: Project) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    assert made.is_current()
    assert made.promote().kept == ("tasks/load.py",)

    made.save(report="print(total, double(len(ys)))")
    written = made.promote()
    assert (written.merged, written.kept) == ((), ("tasks/load.py",))
    assert "limit = 20" in made.read("tasks/load.py")
    assert "print(total, double" in made.read("tasks/report.py")
    assert made.is_current()


def test_edits_of_other_cells_and_other_lines_are_joined(made: Project) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    made.edit("churn_shared.py", "    return 2 * x", "    return x + x")
    made.edit("README.md", "# churn", "# churn, kept by Ada")
    made.save(
        load=LOAD.replace("[1, 2, 3]", "[1, 2, 30]"),
        clean="xs = sorted(xs)\nprint(len(xs), limit)",
        s=CELLS[1][2].replace("import math", "import math\nimport json"),
        p="rows: int = 3\nseed = 8",
    )
    written = made.promote()

    task = made.read("tasks/load.py")
    assert "xs = [1, 2, 30]\nys = [4, 5, 6]\nlimit = 20\n" in task
    assert "xs = sorted(xs)" in task
    assert "seed = 8" in task
    shared = made.read("churn_shared.py")
    assert "import json" in shared
    assert "return x + x" in shared
    assert {"tasks/load.py", "churn_shared.py"} <= set(written.merged)
    assert made.read("README.md").startswith("# churn, kept by Ada")
    assert made.is_current()


def test_a_conflict_is_told_with_its_place_and_nothing_is_written(made: Project, files_of: Any) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    made.save(load=LOAD.replace("limit = 2", "limit = 3"), report="print(total)")
    before = files_of(made.folder)
    line = made.read("tasks/load.py").splitlines().index("limit = 20") + 1

    with pytest.raises(PromotionRefused) as refused:
        made.promote()

    assert refused.value.conflicts == (
        f"{made.folder}/tasks/load.py, cell 4, line {line}: both sides changed the same lines",
    )
    marks = "<<<<<<< the pipeline as it was edited\n limit = 20\n+=======\n+limit = 3\n+>>>>>>> the notebook\n"
    assert marks in refused.value.preview
    assert "--keep-edits" in str(refused.value)
    assert files_of(made.folder) == before


@pytest.mark.parametrize("edits", ["keep", "overwrite", "mark"])
def test_a_conflict_is_decided_by_the_user_and_then_it_is_over(made: Project, edits: Any) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    made.edit("tasks/train.py", "+ seed", "- seed")
    made.save(load=LOAD.replace("[1, 2, 3]", "[1]").replace("limit = 2", "limit = 3"))
    made.promote(edits=edits)

    task = made.read("tasks/load.py")
    assert "xs = [1]" in task
    assert ("limit = 20" in task, "limit = 3" in task, "<<<<<<<" in task) == {
        "keep": (True, False, False),
        "overwrite": (False, True, False),
        "mark": (True, True, True),
    }[edits]
    assert ("- seed" in made.read("tasks/train.py")) == (edits != "overwrite")
    assert made.is_current()


def test_changes_of_touching_lines_are_a_conflict(made: Project) -> None:
    made.edit("tasks/load.py", "ys = [4, 5, 6]", "ys = [4, 5]")
    made.save(load=LOAD.replace("limit = 2", "limit = 3"))
    assert len(made.conflicts()) == 1


def test_the_same_change_on_both_sides_is_none(made: Project) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 3")
    made.save(load=LOAD.replace("limit = 2", "limit = 3"))
    written = made.promote()
    assert (written.merged, written.kept) == ((), ())
    assert made.is_current()


def test_a_cell_that_an_engineer_added_stays_between_the_same_cells(made: Project) -> None:
    made.edit("tasks/load.py", '# %% cell="clean"', '# %%\nprint("added", xs)\n\n# %% cell="clean"')
    made.save(clean="xs = sorted(xs)", load=LOAD + "\nlast = 1")
    made.promote()
    task = made.read("tasks/load.py")
    order = ["last = 1", 'print("added", xs)', '# %% cell="clean"', "xs = sorted(xs)"]
    assert [task.index(text) for text in order] == sorted(task.index(text) for text in order)


def test_cells_that_both_sides_add_at_one_place_are_a_conflict(made: Project) -> None:
    made.edit("tasks/load.py", '# %% cell="clean"', '# %%\nprint("added", xs)\n\n# %% cell="clean"')
    made.save([*CELLS[:4], ("new", "step:load", "print('new')"), *CELLS[4:]])
    assert len(made.conflicts()) == 1
    made.promote(edits="keep")
    assert 'print("added", xs)' in made.read("tasks/load.py")
    assert "print('new')" in made.read("tasks/load.py")


def test_a_cell_that_is_gone_from_the_notebook_goes_unless_it_was_edited(made: Project) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    without = [cell for cell in CELLS if cell[0] != "clean"]
    made.save(without)
    made.promote()
    assert "print(len(xs))" not in made.read("tasks/load.py")
    assert "limit = 20" in made.read("tasks/load.py")

    made.save(CELLS)
    made.promote()
    made.edit("tasks/load.py", "print(len(xs))", "print(len(xs), 'left')")
    made.save(without)
    assert [one.partition(": ")[2] for one in made.conflicts()] == [
        "the notebook no longer has this cell here, and it was edited"
    ]
    made.promote(edits="keep")
    task = made.read("tasks/load.py")
    assert "# %% cell=\"clean\"\nxs = [x for x in xs if x <= limit]\nprint(len(xs), 'left')\n" in task


def test_a_cell_that_an_engineer_took_out_stays_out_unless_the_notebook_changed_it(made: Project) -> None:
    cell = '# %% cell="clean"\nxs = [x for x in xs if x <= limit]\nprint(len(xs))\n\n'
    made.edit("tasks/load.py", cell, "")
    made.save(load=LOAD + "\nlast = 1")
    made.promote()
    task = made.read("tasks/load.py")
    assert "last = 1" in task
    assert "print(len(xs))" not in task

    made.save(clean="xs = sorted(xs)")
    assert [one.partition(": ")[2] for one in made.conflicts()] == [
        "the cell was removed here, and the notebook has changed it"
    ]
    assert "<<<<<<<" in diff_plan(make_plan(made.notebook))


@pytest.mark.parametrize("step", ["train", "tidy"])
def test_an_edit_follows_its_cell_to_a_step(made: Project, step: str) -> None:
    made.edit("tasks/load.py", "print(len(xs))", "print(len(xs), 'left')")
    made.save([(name, f"step:{step}" if name == "clean" else tag, text) for name, tag, text in CELLS])
    made.promote()
    assert "'left'" not in made.read("tasks/load.py")
    assert "print(len(xs), 'left')" in made.read(f"tasks/{step}.py")


def test_a_change_follows_a_cell_that_an_engineer_moved(made: Project) -> None:
    cell = '# %% cell="clean"\nxs = [x for x in xs if x <= limit]\nprint(len(xs))\n\n'
    made.edit("tasks/load.py", cell, "")
    made.edit("tasks/report.py", '# %% cell="report"', cell + '# %% cell="report"')
    made.save(clean="xs = sorted(xs)", load=LOAD + "\nlast = 1")
    made.promote()
    assert "sorted" not in made.read("tasks/load.py")
    assert made.read("tasks/report.py").count("xs = sorted(xs)") == 1
    made.save([(name, "step:train" if name == "clean" else tag, text) for name, tag, text in made.cells])
    assert any("the cell would stand in" in one for one in made.conflicts())


def test_edits_follow_a_renamed_step(made: Project) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    made.edit("tasks/load.py", "import sys\n", "import sys\nimport os\n")
    renamed = [(name, "step:fetch" if tag == "step:load" else tag, text) for name, tag, text in CELLS]
    made.save(renamed)
    plan = make_plan(made.notebook)
    assert "step load is now called fetch" in [one.text for one in changes_of(plan, merge_plan(plan))]
    written = made.promote()
    task = made.read("tasks/fetch.py")
    assert "limit = 20" in task
    assert "import os" in task
    assert "tasks/load.py" in written.removed
    assert not (made.folder / "tasks/load.py").exists()
    assert made.is_current()


def test_a_task_file_that_an_engineer_renamed_keeps_its_name(made: Project) -> None:
    (made.folder / "tasks/load.py").rename(made.folder / "tasks/fetch.py")
    made.edit("pipeline.yaml", "tasks/load.py", "tasks/fetch.py")
    made.edit("tasks/fetch.py", "limit = 2", "limit = 20")
    assert made.is_current()
    made.save(load=LOAD.replace("[1, 2, 3]", "[1]"))
    made.promote()
    assert "xs = [1]\nys = [4, 5, 6]\nlimit = 20" in made.read("tasks/fetch.py")
    assert not (made.folder / "tasks/load.py").exists()
    assert made.is_current()


def test_deleted_files_stay_deleted_until_the_notebook_changes_them(made: Project) -> None:
    (made.folder / "README.md").unlink()
    (made.folder / "tasks/report.py").unlink()
    assert made.promote().kept == ("README.md", "tasks/report.py")
    made.save(report="print(total)")
    assert any("the file was deleted" in one for one in made.conflicts())
    made.promote(edits="overwrite")
    assert "print(total)" in made.read("tasks/report.py")
    assert (made.folder / "README.md").is_file()


def test_a_step_that_is_gone_takes_its_file_unless_it_was_edited(made: Project) -> None:
    made.edit("tasks/report.py", "print(f", "print('!', f")
    made.save([cell for cell in CELLS if cell[0] != "report"])
    assert {one.partition(",")[0] for one in made.conflicts()} == {"tasks/report.py"}
    edited = made.read("tasks/report.py")
    kept = made.promote(edits="keep")
    # Whole, so that it can be taken up again; and promotion's no more.
    assert (kept.orphans, kept.kept, made.read("tasks/report.py")) == (("tasks/report.py",), (), edited)
    assert "tasks/report.py" not in made.read("pipeline.yaml")
    assert made.is_current()

    made.save(CELLS)
    made.promote(overwritten=["tasks/report.py"])
    made.edit("tasks/report.py", "print(f", "print('!', f")
    made.save([cell for cell in CELLS if cell[0] != "report"])
    assert made.promote(edits="overwrite").lost == ("tasks/report.py",)
    assert not (made.folder / "tasks/report.py").exists()


def test_what_is_overwritten_is_named_and_nothing_else_is(made: Project) -> None:
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    made.edit("tasks/train.py", "+ seed", "- seed")
    (made.folder / "README.md").unlink()
    made.save(load=LOAD.replace("limit = 2", "limit = 3"), report="print(f'{total:f}', double(len(ys)))")
    written = made.promote(overwritten=["tasks/load.py"])
    assert (written.lost, written.kept) == (("tasks/load.py",), ("README.md", "tasks/train.py"))
    assert "limit = 3" in made.read("tasks/load.py")
    assert "- seed" in made.read("tasks/train.py")
    assert made.promote(edits="overwrite").lost == ("README.md", "tasks/train.py")
    assert made.promote(edits="overwrite").lost == ()


def test_yaml_that_two_right_halves_would_break_is_a_conflict(made: Project) -> None:
    made.edit("env.yaml", "rows: 3\n", "more: 1\nrows: 3\n")
    made.save(p="rows: int = 3\nseed = 7\n\nmore = 2")
    assert [one for one in made.conflicts() if one.startswith("env.yaml")] == [
        "env.yaml: the edits and the notebook's changes do not fit together (`more` would be there twice)"
    ]


def test_without_the_base_an_edit_is_never_guessed_at(made: Project) -> None:
    (made.folder / ".promotion.base.json").write_text('{"files": {"tasks/load.py": ["forged"]}}')
    made.edit("tasks/load.py", "limit = 2", "limit = 20")
    made.save(load=LOAD.replace("[1, 2, 3]", "[1]"))
    assert [one.partition(":")[0] for one in made.conflicts()] == ["tasks/load.py"]


def test_bytes_that_are_no_text_are_kept(made: Project) -> None:
    path = made.folder / "tasks/load.py"
    path.write_bytes(path.read_bytes() + b"# \xff\xfe\n")
    made.save(load=LOAD.replace("[1, 2, 3]", "[1]"))
    assert len(made.conflicts()) == 1
    made.promote(edits="keep")
    assert path.read_bytes().endswith(b"# \xff\xfe\n")


def test_the_change_is_told_in_meaning(made: Project) -> None:
    made.save(
        [
            ("p", "parameters", "rows: int = 4\nextra = 'a'"),
            *CELLS[1:4],
            ("clean", "step:load", "print(len(xs))"),
            ("train", "step:train", "total = math.fsum(xs) + limit\ntotal"),
            ("more", "step:train", "print(extra, rows)"),
            CELLS[6],
            ("send", "step:send", "print(total)"),
        ]
    )
    plan = make_plan(made.notebook)
    told = [one.text for one in changes_of(plan, merge_plan(plan)) if one.about != "package"]
    assert told == [
        "step send is new",
        "step report is gone",
        "cell 5 of step load has changed",
        "cell 6 of step train has changed",
        "step train has a new cell (7)",
        "load → train now carries `limit`",
        "train → send is new and carries `total`",
        "load → report is gone",
        "train → report is gone",
        "parameter rows is by default 4, not 3",
        "parameter extra is new, by default 'a'",
        "parameter seed is gone",
    ]
