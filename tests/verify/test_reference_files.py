"""The files below a pipeline's tests/: deterministic, valid, honest about what is known, independent of cellmill."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from cellmill.promote.reference import ReferenceCell, ReferenceTask, reference_files

SHOWN = ({"output_type": "execute_result", "metadata": {}, "execution_count": 41, "data": {"text/plain": "a\nb"}},)


def cells_of(*cells: ReferenceCell) -> list[Any]:
    files = reference_files("churn", [ReferenceTask("train", ("load",), cells)], ["clean"])
    notebook = nbformat.reads(files["tests/train.ipynb"].decode(), as_version=4)
    nbformat.validate(notebook)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_same_arguments_give_the_same_bytes() -> None:
    tasks = [ReferenceTask("train", ("load",), (ReferenceCell("a1", "x", ("b", "a"), SHOWN, 4),))]
    assert reference_files("churn", tasks, ["clean"]) == reference_files("churn", tasks, ["clean"])


def test_one_notebook_a_task_and_what_they_need() -> None:
    files = reference_files("churn", [ReferenceTask("load", (), ()), ReferenceTask("train", ("load",), ())], ["clean"])
    assert sorted(files) == [
        "tests/conftest.py",
        "tests/load.ipynb",
        "tests/nbval.cfg",
        "tests/reference.py",
        "tests/test_churn_shared.py",
        "tests/train.ipynb",
    ]


def test_a_pipeline_without_a_shared_module_has_no_test_of_it() -> None:
    assert "tests/test_churn_shared.py" not in reference_files("churn", [], None)


def test_the_set_up_comes_first_and_its_output_does_not_count() -> None:
    first, *_ = cells_of(ReferenceCell("a1", "x", (), SHOWN, 4))
    assert first.metadata.tags == ["nbval-ignore-output"]
    assert 'begin"]("train")' in first.source


def test_a_cell_has_the_notebooks_text_outputs_and_tags() -> None:
    _, cell = cells_of(ReferenceCell("a1", "%%time\nx", ("hide-input", "nbval-raises-exception"), SHOWN, 4))
    assert cell.source == "# tasks/train.py, cell a1\n%%time\nx"
    assert cell.id == "a1"
    assert cell.metadata.tags == ["hide-input", "nbval-raises-exception"]
    assert cell.outputs[0].data["text/plain"] == "a\nb"
    assert cell.outputs[0].execution_count == cell.execution_count == 2


def test_outputs_read_in_lines_in_git() -> None:
    cell = ReferenceCell("a1", "x\ny", (), (*SHOWN, {"output_type": "stream", "name": "stdout", "text": "1\n2\n"}), 4)
    text = reference_files("churn", [ReferenceTask("train", (), (cell,))], None)["tests/train.ipynb"].decode()
    written = json.loads(text)["cells"][2]
    assert written["outputs"][0]["data"]["text/plain"] == ["a\n", "b"]
    assert written["outputs"][1]["text"] == ["1\n", "2\n"]
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    "tags, source, expected",
    [
        ((), "x", ["nbval-ignore-output"]),
        (("keep",), "x", ["keep", "nbval-ignore-output"]),
        (("nbval-check-output",), "x", ["nbval-check-output"]),
        ((), "# NBVAL_CHECK_OUTPUT\nx", None),
    ],
)
def test_a_cell_that_was_never_executed_is_not_compared(
    tags: tuple[str, ...], source: str, expected: list[str] | None
) -> None:
    _, cell = cells_of(ReferenceCell("a1", source, tags))
    assert cell.metadata.get("tags") == expected


def test_a_cell_that_was_executed_and_shows_nothing_is_compared() -> None:
    _, cell = cells_of(ReferenceCell("a1", "x = 1", (), (), 3))
    assert "tags" not in cell.metadata


def test_outputs_without_a_count_are_compared() -> None:
    # Tools that strip execution counts leave the outputs; nbval takes a cell without a count for one that was not run.
    _, cell = cells_of(ReferenceCell("a1", "x", (), SHOWN, None))
    assert cell.execution_count is not None
    assert "tags" not in cell.metadata


def test_no_file_names_cellmill() -> None:
    files = reference_files("churn", [ReferenceTask("train", (), (ReferenceCell("a1", "x"),))], ["clean"])
    assert not [path for path, content in files.items() if b"cellmill" in content]


def test_the_python_files_compile_whatever_the_names() -> None:
    many = [f"a_function_with_a_long_name_{number}" for number in range(20)]
    for names in ([], ["one"], ["one", "two"], many):
        for path, content in reference_files("churn", [], names).items():
            if path.endswith(".py"):
                compile(content, path, "exec")
                assert all(len(line) <= 120 for line in content.decode().splitlines()), path
