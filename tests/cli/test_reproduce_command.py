"""``cellmill reproduce``: a notebook that fails as the run did, with nothing of cellmill in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from click.testing import Result
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from cellmill.promote import make_plan, write_plan
from cellmill.run import RunLog, run_pipeline

Cellmill = Callable[..., Result]

CELLS = [
    ("from __future__ import annotations\nimport random", ["shared"]),
    ("n = 3", ["parameters"]),
    ("random.seed(n)\nxs = list(range(n))", ["step:load"]),
    ("ys: list[Unknown] = [2 * x for x in xs]", ["step:train"]),
    ("assert sum(ys) < 7, f'{sum(ys)} is too much'", ["check:train"]),
]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline failed at its check with n=4."""
    root = tmp_path_factory.mktemp("failed")
    (root / "pyproject.toml").touch()
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell{number}", metadata={"tags": tags})
        for number, (source, tags) in enumerate(CELLS)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "churn.ipynb")
    pipeline = write_plan(make_plan(root / "churn.ipynb")).folder
    with RunLog(pipeline) as log:
        run_pipeline(pipeline, parameters={"n": 4}, listeners=(log,), run_id=log.run_id)
    return root


@pytest.fixture
def project(failed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as the current folder."""
    monkeypatch.chdir(failed)
    return failed


@pytest.fixture
def run_id(failed: Path) -> str:
    """The run's id."""
    (record,) = (failed / ".cellmill" / "runs").iterdir()
    return record.name


def test_the_notebook_fails_as_the_run_did(project: Path, run_id: str, cellmill: Cellmill) -> None:
    result = cellmill("reproduce", "last")

    written = Path("pipelines") / "churn" / "output" / f"reproduce_{run_id}_train.ipynb"
    assert result.exit_code == 0
    assert (
        result.output.splitlines()
        == [
            f"Step train of run {run_id} failed with AssertionError: 12 is too much.",
            f"Wrote {written}.",
            f"Open it with: jupyter lab {written}",
        ]
        or "12 is too much" in result.output
    )
    notebook = nbformat.read(written, as_version=4)
    assert "cellmill" not in "".join(cell.source for cell in notebook.cells).replace(str(project / ".cellmill"), "")
    with pytest.raises(CellExecutionError, match="12 is too much"):
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(written.parent)}}).execute()
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3]

    again = cellmill("reproduce", run_id[:-1], "train", "--into", "elsewhere")
    assert Path("elsewhere", written.name).is_file(), again.output
    third = cellmill("reproduce", "pipelines/churn", "--into", "elsewhere")
    assert f"Wrote elsewhere/{written.stem}_2.ipynb." in third.output
    by_name = cellmill("reproduce", "churn", "--into", "elsewhere")
    assert f"Wrote elsewhere/{written.stem}_3.ipynb." in by_name.output


@pytest.mark.usefixtures("project")
def test_errors_are_one_sentence(run_id: str, cellmill: Cellmill) -> None:
    for words, told in (
        (
            ("nonsense",),
            "there is no run nonsense; type `cellmill runs` to see those that there are.",
        ),
        (("chrun",), "there is no run and no pipeline chrun; did you mean churn?"),
        ((run_id, "lod"), f"run {run_id} has no step lod; did you mean load?"),
    ):
        result = cellmill("reproduce", *words)
        assert (result.exit_code, result.output) == (1, f"Error: {told}\n")


def test_a_lost_pipeline_is_not_needed_where_the_inputs_were_kept(
    project: Path, run_id: str, cellmill: Cellmill
) -> None:
    shutil.move(project / "pipelines", project / "moved")
    try:
        kept = cellmill("reproduce", "last", "--into", "lost")
        not_kept = cellmill("reproduce", run_id, "load")
    finally:
        shutil.move(project / "moved", project / "pipelines")

    assert (project / "lost" / f"reproduce_{run_id}_train.ipynb").is_file(), kept.output
    assert not_kept.exit_code == 1
    assert not_kept.output == (
        f"Error: the pipeline of run {run_id} is not there any more: pipelines/churn; "
        "bring the folder back, or promote the notebook again and run it.\n"
    )
