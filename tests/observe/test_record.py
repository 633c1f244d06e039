"""What was observed counts while the cells are those that ran, and is told where it no longer does."""

from __future__ import annotations

import json
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
import numpy
import pandas
import pytest
from click.testing import CliRunner

from cellmill.cli import main
from cellmill.errors import CellmillError
from cellmill.notebook import read_notebook, read_steps
from cellmill.observe import observe, read_evidence, record_path
from cellmill.observe.inside.watch import Watch
from cellmill.promote import diff_plan, make_plan, write_plan

CELLS = [
    ("shared", "import importlib\nfrom helpers import one"),
    ("step:a", "xs=[one()]"),
    ("step:b", "importlib.import_module('__ma' + 'in__').__dict__['xs'].append(2)"),
    ("step:c", "print(xs)"),
]


def write(path: Path, cells: list[tuple[str, str]]) -> None:
    notebook = nbformat.v4.new_notebook()
    for number, (tag, source) in enumerate(cells):
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": [tag]}))
    nbformat.write(notebook, path)


def observed_parts(path: Path) -> tuple[list[str], str | None]:
    found = read_evidence(read_steps(read_notebook(path))[0])
    return (list(found.parts), found.stale) if found else ([], None)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that was observed."""
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text("")
    (root / "helpers.py").write_text("def one():\n    return 1\n")
    path = root / "study.ipynb"
    write(path, CELLS)
    before = path.read_bytes()
    found = observe(path)
    assert path.read_bytes() == before
    assert found.record == record_path(path) == root / ".cellmill" / "observed" / "study.json"
    assert list(found.evidence.parts) == ["<shared>", "a", "b", "c"]
    return path


def test_check_tells_evidence_and_types(notebook: Path):
    done = CliRunner().invoke(main, ["check", str(notebook), "--json"])
    answer = json.loads(done.stdout)
    edges = {(one["provider"], one["consumer"]): one for one in answer["edges"]}
    assert edges["b", "c"]["evidence"] == "observed"
    assert edges["b", "c"]["types"] == {"xs": "builtins.list"}
    assert edges["a", "b"]["evidence"] == "both"
    assert [one["name"] for one in answer["findings"] if one["kind"] == "evidence-differs"] == ["xs"]


def test_promotion_is_the_same_each_time_and_names_the_record(notebook: Path):
    first, second = make_plan(notebook), make_plan(notebook)
    assert first.files == second.files
    named = json.loads(first.files[".promotion.json"])["observed"]
    assert named == first.dataflow.observed
    assert len(named) == 64


def test_what_nobody_needs_to_know_makes_no_pipeline_outdated(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text("")
    path = tmp_path / "plain.ipynb"
    # Unknown code might change the text, were it not one; no step uses it afterwards.
    made = "x=importlib.reload(importlib).__name__\nxs=[x]\npair=(x, x)"
    unknown = "show=importlib.import_module('pprint').pformat\nshow(x)\nshow(xs)\nshow(pair)"
    write(path, [("shared", "import importlib"), ("step:a", made), ("step:b", unknown), ("step:c", "print(xs, pair)")])
    write_plan(make_plan(path))
    observe(path)
    plan = make_plan(path)
    edges = [(edge.provider, edge.consumer, edge.variables, edge.evidence) for edge in plan.dataflow.edges]
    assert edges == [("a", "b", ("pair", "x", "xs"), "both"), ("b", "c", ("pair", "xs"), "static")], "another day"
    assert diff_plan(plan) == ""


def test_what_stands_above_a_changed_cell_still_counts(notebook: Path):
    try:
        write(notebook, [*CELLS[:2], ("step:b", "xs.append(3)"), CELLS[3]])
        assert observed_parts(notebook) == (["<shared>", "a"], "cell 3 has changed since it was observed")
        told = CliRunner().invoke(main, ["check", str(notebook)]).stdout
        assert "Observed only in part: cell 3 has changed since it was observed" in told
    finally:
        write(notebook, CELLS)


def test_nothing_counts_after_a_local_module_changed(notebook: Path):
    helpers = notebook.with_name("helpers.py")
    text = helpers.read_text()
    try:
        helpers.write_text(text + "# another\n")
        assert observed_parts(notebook) == ([], "helpers.py has changed since the notebook was observed")
    finally:
        helpers.write_text(text)


@pytest.mark.parametrize("content", ["", "{", '{"format": 99}', '{"format": 1, "made": "run", "moments": [3]}'])
def test_a_record_that_is_none_of_ours_is_as_none(notebook: Path, content: str):
    record = record_path(notebook)
    kept = record.read_text()
    try:
        record.write_text(content)
        assert observed_parts(notebook) == ([], None)
    finally:
        record.write_text(kept)


def test_a_cell_that_fails_is_named_and_leaves_no_record(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text("")
    path = tmp_path / "broken.ipynb"
    write(path, [("step:a", "x=1"), ("step:b", "x/0")])
    with pytest.raises(CellmillError, match=r"cell 2: the notebook fails: ZeroDivisionError"):
        observe(path)
    assert not record_path(path).exists()


class Noisy:
    """Pickling it prints, warns and draws."""

    def __reduce__(self) -> Any:
        sys.stdout.write("noise")
        warnings.warn("noise", stacklevel=1)
        random.random()
        numpy.random.rand()
        return Noisy, ()


def test_looking_leaves_no_trace(capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder):
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    frame["c"] = 3
    names = {"noisy": Noisy(), "frame": frame, "f": lambda x: x, "broken": (one for one in [1])}
    before = random.getstate(), numpy.random.get_state()[2], list(warnings.filters), list(names)
    watch = Watch(names)
    watch.look()
    frame.describe()
    assert watch.look()["changes"] == {}, "looking at a frame is no change"
    assert (random.getstate(), numpy.random.get_state()[2], list(warnings.filters), list(names)) == before
    assert capsys.readouterr() == ("", "")
    assert not recwarn.list
    assert next(names["broken"]) == 1


def test_changes_and_objects_that_are_shared():
    array = numpy.arange(6.0)
    names: dict[str, Any] = {"a": array, "rows": array.reshape(2, 3), "other": numpy.arange(6.0), "n": 1, "xs": [1]}
    names["held"] = {"deep": [names["xs"]]}
    names["column"] = pandas.Series(names["other"], copy=False)
    watch = Watch(names)
    seen = watch.look()
    assert seen["groups"] == [["a", "rows"], ["column", "other"], ["held", "xs"]]
    assert seen["names"]["a"]["bytes"] >= array.nbytes
    array[0] = 5
    names["xs"].append(2)
    names["n"] = 2
    del names["other"]
    assert watch.look()["changes"] == {
        "a": "changed", "rows": "changed", "xs": "changed", "held": "changed", "n": "bound", "other": "gone",
    }  # fmt: skip


def test_a_large_value_takes_no_time_from_the_small_ones():
    names: dict[str, Any] = {"words": [str(number) for number in range(1_000_000)], "xs": [1]}
    watch = Watch(names)
    watch.look()
    names["xs"].append(2)
    seen = watch.look(0.01, samples=True)
    assert seen["names"]["words"]["print"] is None
    assert seen["names"]["words"]["bytes"] > 1_000_000
    assert seen["changes"] == {"xs": "changed"}
    names["words"] = "another"
    assert watch.look(0.0)["changes"] == {"words": "bound"}, "another object is told though there is no time to read it"


def test_what_belongs_to_the_kernel_is_no_variable(notebook: Path):
    facts = read_evidence(read_steps(read_notebook(notebook))[0])
    assert facts is not None
    assert set(facts.parts["c"].names) == {"one", "xs"}
