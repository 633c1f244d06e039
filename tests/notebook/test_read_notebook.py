"""Reading files: what a notebook holds, and one sentence for each file that is none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import nbformat
import pytest

from cellmill.errors import CellmillError
from cellmill.notebook import project_root, read_notebook


def test_cells_come_with_their_text_tags_ids_and_outputs(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = [
        {"cell_type": "markdown", "id": "m1", "metadata": {}, "source": ["# A\n", "text"]},
        {
            "cell_type": "code",
            "id": "c1",
            "metadata": {"tags": ["step:load", "hide-input"]},
            "source": ["x = 1\n", "x"],
            "execution_count": 3,
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"text/plain": ["1", "2"], "application/json": ["1", "2"]},
                },
            ],
        },
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    first, second = read_notebook(path).cells
    assert (first.number, first.kind, first.source) == (1, "markdown", "# A\ntext")
    assert (second.number, second.id, second.source, second.execution_count) == (2, "c1", "x = 1\nx", 3)
    assert second.tags == ("step:load", "hide-input")
    assert second.outputs == tuple(nbformat.read(path, as_version=4).cells[1].outputs)
    assert second.outputs[1]["data"]["application/json"] == ["1", "2"]


def test_name_kernel_and_hash_are_known(write) -> None:
    path = write("x = 1", metadata={"kernelspec": {"name": "my-env", "language": "python"}})
    notebook = read_notebook(path)
    assert (notebook.name, notebook.kernel, notebook.language) == ("churn", "my-env", "python")
    assert len(notebook.sha256) == 64
    path.write_text(path.read_text().replace("x = 1", "x = 2"))
    assert read_notebook(path).sha256 != notebook.sha256


def test_equal_ids_are_made_unique_the_same_way_each_time(write) -> None:
    path = write("a = 1", "b = 2", "b = 2")
    path.write_text(path.read_text().replace("cell-2", "cell-1").replace("cell-3", "cell-1"))
    ids = [cell.id for cell in read_notebook(path).cells]
    assert ids[0] == "cell-1"
    assert len(set(ids)) == 3
    assert ids == [cell.id for cell in read_notebook(path).cells]


def test_cells_without_ids_keep_theirs_when_a_cell_is_put_above(write) -> None:
    def without_ids(*texts: str) -> list[str]:
        path = write(*texts)
        document = json.loads(path.read_text()) | {"nbformat_minor": 4}
        for cell in document["cells"]:
            del cell["id"]
        path.write_text(json.dumps(document))
        return [str(cell.id) for cell in read_notebook(path).cells]

    assert without_ids("a = 1", "b = 2") == without_ids("new = 0", "a = 1", "b = 2")[1:]


def test_files_of_nbformat_3_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.ipynb"
    old = {
        "metadata": {"name": "old"},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Load"]},
                    {"cell_type": "code", "input": ["x = 1"], "language": "python", "metadata": {}, "outputs": []},
                ],
                "metadata": {},
            }
        ],
    }
    path.write_text(json.dumps(old))
    assert [(cell.kind, cell.source) for cell in read_notebook(path).cells] == [
        ("markdown", "## Load"),
        ("code", "x = 1"),
    ]


def test_a_byte_order_mark_is_no_harm(write) -> None:
    path = write("x = 'größe'")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_notebook(path).cells[0].source == "x = 'größe'"


WHOLE = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "the file is empty"),
        (b"x = 1\n", "this is not a notebook"),
        (b"\x89PNG\r\n\xff\xfe", "this is not a notebook (not UTF-8 text)"),
        (b'{"a": 1}', "this is JSON, but not a notebook"),
        (b"[1, 2]", "this is JSON, but not a notebook"),
        (WHOLE[:-1].encode(), "the file is cut off (truncated JSON) at line 6"),
        (WHOLE[:20].encode(), "the file is cut off (truncated JSON)"),
        (WHOLE.replace("[]", "[,]").encode(), "the file is damaged (invalid JSON) at line 2"),
        (b"<<<<<<< HEAD\n" + WHOLE.encode(), "the file holds git's conflict marks"),
        (b"[" * 100_000, "this is not a notebook (nested too deep)"),
        (b'{"nbformat": 5, "cells": []}', "nbformat 5 is newer"),
        (b'{"nbformat": 4}', "it has no list of cells"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "heading"}]}', "cell 1: this cell is not in nbformat 4"),
        (b'{"nbformat": 3, "worksheets": 1}', "a notebook of nbformat 3 that can't be converted"),
    ],
)
def test_what_is_no_notebook_is_told_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_bytes(content)
    with pytest.raises(CellmillError) as caught:
        read_notebook(path)
    text = str(caught.value)
    assert says in text
    assert text.startswith(f"{path}")
    assert caught.value.remedy
    assert "\n" not in text


def test_a_missing_file_names_the_one_that_was_meant(write, tmp_path: Path) -> None:
    write("x = 1")
    with pytest.raises(CellmillError, match=r"there is no such file; did you mean .*churn\.ipynb\?"):
        read_notebook(tmp_path / "chrun.ipynb")
    with pytest.raises(CellmillError, match="this is a folder"):
        read_notebook(tmp_path)
    with pytest.raises(CellmillError, match="there is no such file; check the path"):
        read_notebook(tmp_path / "nowhere" / "a.ipynb")


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}},
        {"language_info": {"name": "R"}, "kernelspec": {"name": "ir"}},
    ],
)
def test_a_notebook_in_another_language_is_refused(write, metadata) -> None:
    with pytest.raises(CellmillError, match="the notebook is in R, cellmill reads Python notebooks; choose a Python"):
        read_notebook(write("x <- 1", metadata=metadata))


def test_the_project_root_is_the_nearest_marked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "repo" / "team" / "notebooks"
    inner.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    assert project_root(inner / "a.ipynb") == tmp_path / "repo"
    (tmp_path / "repo" / "team" / "pyproject.toml").touch()
    assert project_root(inner / "a.ipynb") == tmp_path / "repo" / "team"
    assert project_root(tmp_path / "repo" / "team") == tmp_path / "repo" / "team"


def test_without_a_mark_the_project_root_is_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert project_root(tmp_path / "elsewhere" / "a.ipynb") == tmp_path / "here"


def test_reading_a_large_notebook_takes_milliseconds(write) -> None:
    path = write(*(f"x{n} = {n}\n" * 50 for n in range(500)))
    started = time.perf_counter()
    read_notebook(path)
    assert time.perf_counter() - started < 3
