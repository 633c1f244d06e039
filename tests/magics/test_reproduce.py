"""``%reproduce``: a step that failed in a run fails again in the notebook's kernel, whatever ran since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cellmill.promote import make_plan, write_plan
from cellmill.run import RunLog, run_pipeline

CELLS = (
    "%%parameters\nn: int = 3",
    "%%shared\nimport decimal, random\nclass Point:\n    def __init__(self, x):\n        self.x = x\ndef double(x):\n"
    "    return 2 * x",
    "%%step load\nrandom.seed(n)\ndecimal.getcontext().prec = 7 + n\npoints = [Point(x) for x in range(n)]",
    "%%step train\ny = [double(one.x) for one in points]",
    "%%step train\nr = random.random()\ntotal = sum(y) / (n - 5)",
    "%%check train\nassert total",
    "%%step report\nprint(total, r)",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, write_cells: Callable[..., Path]) -> Path:
    """A project in which ``train`` failed with n=5, and a later run with n=4 went well."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").touch()
    notebook = write_cells(folder / "notebooks" / "churn.ipynb", *CELLS)
    pipeline = write_plan(make_plan(notebook)).folder
    for n in (5, 4):
        with RunLog(pipeline) as log:
            run_pipeline(pipeline, parameters={"n": n}, listeners=(log,), run_id=log.run_id)
    return folder


@pytest.fixture(scope="module")
def kernel(project: Path, start_module: Callable[..., Any]) -> Any:
    """The kernel of the notebook, which nobody has run a cell of."""
    notebook = project / "notebooks" / "churn.ipynb"
    kernel = start_module(project, {"JPY_SESSION_NAME": str(notebook)})
    assert kernel.run("%load_ext cellmill").status == "ok"
    return kernel


@pytest.fixture
def runs(project: Path) -> list[str]:
    """The ids of both runs, the one that failed first."""
    return sorted(path.name for path in (project / ".cellmill" / "runs").iterdir())


@pytest.fixture
def without_inputs(project: Path, runs: list[str]) -> Iterator[None]:
    """The record as it is when what was kept has been cleaned up."""
    kept = project / ".cellmill" / "runs" / runs[0] / "inputs"
    shutil.move(kept, project / "kept")
    yield
    shutil.rmtree(kept, ignore_errors=True)
    shutil.move(project / "kept", kept)


def test_the_cell_fails_here_as_it_did_in_the_run(kernel: Any, project: Path, runs: list[str]) -> None:
    kernel.run("n, product, sys, mine = 99, 'soap', 'system', 1")

    told = kernel.run("%reproduce")

    assert told.status == "ok", told.traceback
    lines = told.stdout.splitlines()
    assert lines[0] == f"This kernel has what step train began with in run {runs[0]} of churn."
    assert "  parameters: n = 5" in lines
    assert "  variables:  points (list, 5 items)" in lines
    assert "  state:      decimal.context, random" in lines or "  state:      random, decimal.context" in lines
    assert f"  folder:     {project / 'notebooks'}" in lines
    assert "Replaced, they had other values here: n." in lines
    assert lines[-2:] == [
        "Cell 5, line 3, failed with ZeroDivisionError: division by zero.",
        "Run cell 4, then cell 5 to see it fail here.",
    ]
    # Ploomber's names and imports of the task's own are not the notebook's.
    assert kernel.run("product, sys, mine").result == "('soap', 'system', 1)"
    assert kernel.run("'upstream' in globals(), 'churn_handover' in globals()").result == "(False, False)"
    assert kernel.run(CELLS[3]).status == "ok"
    assert kernel.run("y").result == "[0, 2, 4, 6, 8]"
    assert kernel.run(CELLS[4]).error == "ZeroDivisionError: division by zero"
    assert kernel.run("import random as R; R.seed(5); r == R.random()").result == "True"
    assert kernel.run("import decimal; decimal.getcontext().prec").result == "12"
    assert kernel.run("isinstance(points[0], Point), double.__globals__ is globals()").result == "(True, True)"


def test_a_step_that_went_well_has_its_inputs_too(kernel: Any, runs: list[str]) -> None:
    told = kernel.run(f"%reproduce {runs[1]} train")

    assert "The step did not fail in that run." in told.stdout
    assert "Run cells 4, 5, then cell 6 to run the step here." in told.stdout
    assert kernel.run("n, len(points)").result == "(4, 4)"


def test_a_cell_that_has_changed_since_is_told(kernel: Any, project: Path, runs: list[str]) -> None:
    path = project / "notebooks" / "churn.ipynb"
    before = path.read_text()
    content = nbformat.read(path, as_version=4)
    content.cells[3].source += "\nprint(y)"
    content.cells.insert(0, nbformat.v4.new_markdown_cell("# Churn", id="new"))
    nbformat.write(content, path)

    told = kernel.run("%reproduce last train").stdout
    path.write_text(before)

    assert "Run cell 5, then cell 6 to see it fail here." in told
    assert (
        f"Cell 5 has changed since that run; a notebook with the cells as they ran: cellmill reproduce {runs[0]} "
        in told
    )


@pytest.mark.usefixtures("without_inputs")
def test_inputs_of_another_run_are_only_taken_when_asked_for(kernel: Any, runs: list[str]) -> None:
    kernel.run("points = 'mine'")

    refused = kernel.run(f"%reproduce {runs[0]}")
    taken = kernel.run(f"%reproduce {runs[0]} --anyway")

    assert refused.traceback == (
        f"Error: a later run has replaced what load made in run {runs[0]}; say --anyway to take what the later run "
        "made, or choose a run that is newer."
    )
    assert "Not as it was: a later run has replaced what load made" in taken.stdout
    # The parameter is the run's, the variable the later run's.
    assert kernel.run("n, len(points)").result == "(5, 4)"


@pytest.mark.parametrize(
    "line, told",
    [
        ("nonsense", "there is no run nonsense; type `cellmill runs` to see those that there are."),
        ("{0} trian", "run {0} has no step trian; did you mean train?"),
        ("{0} report", "step report did not run in run {0} (train failed); of its steps ran load, train."),
        ("{1}", "no step of run {1} failed (it succeeded); name one of its steps: load, train, report."),
        ("2", "2 runs begin with 2; type more of it, as in {1}."),
    ],
)
def test_what_can_not_be_reproduced_is_told_in_one_line(kernel: Any, runs: list[str], line: str, told: str) -> None:
    kernel.run("points = 'mine'")
    assert kernel.run(f"%reproduce {line.format(*runs)}").traceback == f"Error: {told.format(*runs)}"
    assert kernel.run("points").result == "'mine'"


def test_a_step_that_fails_before_its_first_cell_fails_so_here(
    kernel: Any, project: Path, write_cells: Callable[..., Path]
) -> None:
    notebook = write_cells(
        project / "notebooks" / "early.ipynb",
        "%%parameters\nn = 1",
        "%%shared\ndef part():\n    return 1 / n\nshare = part()",
        "%%step load\nprint(share)",
    )
    pipeline = write_plan(make_plan(notebook)).folder
    with RunLog(pipeline) as log:
        run_pipeline(pipeline, parameters={"n": 0}, listeners=(log,), run_id=log.run_id)

    told = kernel.run(f"%reproduce {log.run_id}")
    shutil.rmtree(project / ".cellmill" / "runs" / log.run_id)

    assert told.traceback == (
        f"Error: step load fails here as in run {log.run_id}, before its first cell: ZeroDivisionError: division by "
        "zero; correct cell 2 of the notebook."
    )
    assert kernel.run("'resources_' in globals()").result == "False"


def test_what_is_kept_takes_no_room_until_the_products_change(project: Path, runs: list[str]) -> None:
    kept = project / ".cellmill" / "runs" / runs[0] / "inputs" / "train"
    assert (kept / "upstream" / "load" / "bundle.pkl").is_file()
    cells = json.loads((kept / "task.ipynb").read_text())["cells"]
    assert all(cell.get("outputs", []) == [] for cell in cells)
    assert not (project / ".cellmill" / "runs" / runs[1] / "inputs").exists()
