"""A kernel with the extension notes what its cells change, for the pipeline's sake and at next to no cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellmill.notebook import read_notebook, read_steps
from cellmill.observe import read_evidence

CELLS = (
    "%%shared\nimport sys",
    "%%step load\nxs = [3]",
    "%%step change\nsys.modules['__main__'].__dict__['xs'].append(4)",
    "%%step use\nprint(xs)",
)


@pytest.fixture
def notebook(tmp_path: Path, write_cells) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    return write_cells(tmp_path / "study.ipynb", *CELLS)


@pytest.fixture
def kernel(notebook: Path, start):
    started = start(notebook.parent, {"JPY_SESSION_NAME": str(notebook)})
    started.run("%load_ext cellmill", cell_id="loads")
    return started


def run(kernel, *numbers: int) -> None:
    for number in numbers:
        shown = kernel.run(CELLS[number - 1], cell_id=f"cell-{number}")
        assert shown.status == "ok", shown
        assert not shown.stderr


def observed(notebook: Path) -> tuple[list[str], str | None]:
    found = read_evidence(read_steps(read_notebook(notebook))[0])
    assert found is not None
    return list(found.parts), found.stale


def test_cells_that_ran_from_top_to_bottom_count(kernel, notebook: Path):
    names = json.loads(kernel.run("import json; print(json.dumps(sorted(globals())))").stdout)
    run(kernel, 1, 2, 3, 4)
    assert observed(notebook) == (["<shared>", "load", "change", "use"], None)
    told = kernel.run("%readiness").text
    assert "CM310" in told
    assert "does not count" not in told
    after = json.loads(kernel.run("print(json.dumps(sorted(globals())))").stdout)
    assert {name for name in after if name[0] != "_"} - set(names) == {"sys", "xs"}, "no name but the cells' own"

    run(kernel, 3)
    told = kernel.run("%readiness").text
    assert "What was observed does not count from there on: cells ran again after the last one" in told


def test_another_order_does_not_count_and_is_told(kernel, notebook: Path):
    run(kernel, 1, 2, 4, 3)
    parts, stale = observed(notebook)
    assert parts == ["<shared>", "load"]
    assert stale == "cell 3 did not run in the document's order"
    assert f"does not count from there on: {stale}; Restart Kernel" in kernel.run("%readiness").text


def test_it_can_be_switched_off(kernel, notebook: Path):
    assert kernel.run("%cellmill_observe").stderr == "This kernel is watched.\n"
    assert kernel.run("%cellmill_observe off").stderr == "This kernel is not watched.\n"
    run(kernel, 1, 2)
    assert not list(notebook.parent.glob(".cellmill/observed/*"))
    assert "takes on or off" in str(kernel.run("%cellmill_observe maybe").error)
