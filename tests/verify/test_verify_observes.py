"""The notebook's run that verification makes is observed: the record is fresh, and `--keeps` is held against it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result

from cellmill.cli import main
from cellmill.notebook import read_notebook, read_steps
from cellmill.observe import read_evidence

HIDDEN = "importlib.import_module('__ma' + 'in__').__dict__"
# A shared cell between the steps, check cells that stand apart, and a cell that is only the notebook's.
CELLS: list[tuple[list[str], str]] = [
    ([], "%load_ext cellmill"),
    (["parameters"], "n = 2"),
    (["shared"], "import importlib"),
    (["step:load"], "xs = [3, n]\nys = [1]"),
    ([], "ys.append(5)\nseen = len(xs)"),
    ([], "%%step sort --keeps ys,xs\nfirst = sorted(xs)[0]\nxs.sort()"),
    (["shared"], "def show(x):\n    print(x)"),
    (["step:hide"], f"{HIDDEN}.get('xs', []).append(first)"),
    (["check:load"], "big = n > 1\nassert big"),
    (["step:use"], "show(first)"),
    (["check:sort"], "assert first == 2"),
]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kept")
    (root / "pyproject.toml").write_text("")
    content = nbformat.v4.new_notebook()
    for number, (tags, source) in enumerate(CELLS, start=1):
        content.cells.append(nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags}))
    nbformat.write(content, root / "study.ipynb")
    return root / "study.ipynb"


@pytest.fixture(scope="module")
def told(notebook: Path) -> Result:
    return CliRunner().invoke(main, ["verify", str(notebook)])


def test_a_kept_name_that_changed_fails_though_all_is_equal(told: Result):
    assert "study.ipynb: 6 cells show the same in the pipeline" in told.stdout, told.output
    assert "Step sort says --keeps xs, but the run showed that it is changed." in told.stdout
    assert "--keeps ys" not in told.stdout, "another cell than the step's changed it"
    assert told.exit_code == 1


def test_the_record_is_fresh_and_counts(told: Result, notebook: Path):
    found = read_evidence(read_steps(read_notebook(notebook))[0])
    assert found is not None
    assert found.stale is None
    assert list(found.parts) == ["<parameters>", "<shared>", "load", "sort", "hide", "use"]
    load = found.parts["load"]
    assert dict(load.changes) == {"xs": "new", "ys": "new", "big": "new"}, "with its check cell, without others"
    assert "seen" not in load.names, "it was made after the step"
    assert found.parts["<shared>"].changes["show"] == "new"
    assert dict(found.parts["hide"].changes) == {"xs": "changed"}, "its source does not show it"
    findings = json.loads(CliRunner().invoke(main, ["check", str(notebook), "--json"]).stdout)["findings"]
    assert [(one["code"], one["name"]) for one in findings if one["severity"] == "error"] == [("CM312", "xs")]
