"""What ``--outputs`` asks for is saved, and parameters that are computed from others are told."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from cellmill.promote import PromotionRefused, make_plan


@pytest.fixture
def notebook(tmp_path: Path):
    def write(*sources: str) -> Path:
        (tmp_path / "pyproject.toml").touch()
        made = nbformat.v4.new_notebook()
        made.cells = [nbformat.v4.new_code_cell(text, id=f"cell{at}") for at, text in enumerate(sources)]
        nbformat.write(made, tmp_path / "study.ipynb")
        return tmp_path / "study.ipynb"

    return write


def _task(path: Path, step: str) -> str:
    return make_plan(path).files[f"tasks/{step}.py"].decode()


def _warnings(path: Path) -> list[tuple[str, str | None, int | None]]:
    return [(one.code, one.name, one.line) for one in make_plan(path).findings if one.severity != "info"]


def test_outputs_are_saved_though_no_step_reads_them(notebook):
    path = notebook("%%step load --outputs rows,total\nrows = [1, 2]\ntotal = sum(rows)\nother = 3")
    assert "study_handover.save(rows=rows, total=total)" in _task(path, "load")


def test_an_output_of_some_paths_is_saved_where_it_is_bound(notebook):
    path = notebook("%%step load --outputs rows\nimport random\nif random.random() > 0.5:\n    rows = [1]")
    assert 'save(**study_handover.bound(globals(), "rows"))' in _task(path, "load")


def test_an_object_that_the_step_changes_is_its_output_too(notebook):
    path = notebook("%%step load\nrows = [1]", "%%step grow --outputs rows\nrows.append(2)")
    assert "study_handover.save(rows=rows)" in _task(path, "grow")


def test_an_output_that_the_step_does_not_make_is_an_error(notebook):
    path = notebook("%%step load\nrows = [1]", "%%step show --outputs rows,total\nprint(rows)")
    with pytest.raises(PromotionRefused) as refused:
        make_plan(path)
    errors = [(one.code, one.step, one.name, one.cell) for one in refused.value.findings if one.severity == "error"]
    assert errors == [("CM210", "show", "rows", 2), ("CM210", "show", "total", 2)]


def test_what_the_parameters_cell_computes_is_told(notebook):
    path = notebook(
        "%%parameters\nimport math\nn = 4\nhalf = n / 2\nroot = math.sqrt(2)\ndef shout(): return n",
        "%%step load\nprint(n, half, root)",
    )
    assert _warnings(path) == [("CM405", "n", 4)]


def test_the_remedy_helps(notebook):
    path = notebook("%%parameters\nn = 4", "%%shared\nhalf = n / 2", "%%step load\nprint(n, half)")
    assert _warnings(path) == []
