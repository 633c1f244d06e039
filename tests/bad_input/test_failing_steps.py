"""Steps that fail while they run, all in one run of real kernels: one sentence each, and nothing that looks whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

CELLS: tuple[tuple[str, str | None], ...] = (
    ("import os\nimport signal\nimport threading", "shared"),
    ("path = 'data/customers.csv'\nrows = open(path).read()", "step:missing"),
    ("count = 1", "step:exits"),
    ("count += 1\nos._exit(1)", "step:exits"),
    ("table = [0] * 1000\nos.kill(os.getpid(), signal.SIGKILL)", "step:killed"),
    ("guard = getattr(threading, 'Lock')\n\nholder = {'rows': 1}\nholder['guard'] = guard()", "step:locks"),
    ("holder['rows']", "step:uses"),
    ("x = 1", "step:fine"),
)

# The step, and the sentence that it costs.
SENTENCES = {
    "missing": (
        "notebooks/churn.ipynb, cell 2, line 2 (step missing): there is no file data/customers.csv in the working "
        "folder {root}/notebooks; put it there or correct the path."
    ),
    "exits": (
        "notebooks/churn.ipynb, cell 4 (step exits): the kernel died while this cell ran (exit code 1); "
        "open pipelines/churn/output/exits.ipynb."
    ),
    "killed": (
        "notebooks/churn.ipynb, cell 5 (step killed): the kernel died while this cell ran (killed by SIGKILL, as "
        "systems do when memory runs out); use less memory there, or a machine that has more."
    ),
    "locks": (
        "notebooks/churn.ipynb, cell 6, line 4 (step locks): variable `holder` ({type}) can't be handed to later "
        "tasks: cannot pickle '_thread.lock' object; tag the cells that use `holder` with one step, or make it again "
        "in the step that uses it; open pipelines/churn/output/locks.ipynb."
    ),
}


@dataclass(frozen=True)
class Ran:
    """The project after its run."""

    project: Any
    done: subprocess.CompletedProcess[str]
    before: dict[str, str]

    @property
    def output(self) -> Path:
        output: Path = self.project.pipeline / "output"
        return output


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, make_project: Callable[[Path], Any]) -> Ran:
    """All steps fail but the last one, which needs none of them."""
    project = make_project(tmp_path_factory.mktemp("failing"))
    project.write(*CELLS)
    project.promote()
    before = project.listing()
    return Ran(project, project.cellmill("run", "churn"), before)


def test_the_run_fails_and_says_so(ran: Ran) -> None:
    assert ran.done.returncode == 1
    assert "Traceback" not in ran.done.stdout + ran.done.stderr
    assert "[6/6] fine: done in " in ran.done.stdout
    assert "[5/6] uses: not run: locks failed" in ran.done.stdout
    assert ": 4 steps failed, 1 done, 1 not run." in ran.done.stdout
    assert len(ran.done.stderr.splitlines()) == len(SENTENCES)


@pytest.mark.parametrize("step", SENTENCES)
def test_each_failure_costs_one_sentence(ran: Ran, step: str) -> None:
    (line,) = [line for line in ran.done.stderr.splitlines() if f"step {step}" in line]

    assert line == "Error: " + SENTENCES[step].format(root=ran.project.root, type="dict")


@pytest.mark.parametrize("step", SENTENCES)
def test_nothing_of_a_failed_step_looks_whole(ran: Ran, step: str) -> None:
    left = {path.name for path in ran.output.iterdir()}

    assert {name for name in left if name.startswith(f".{step}")} == set()
    assert not (ran.output / step / "variables.json").exists()
    notebook = nbformat.read(ran.output / f"{step}.ipynb", as_version=4)
    nbformat.validate(notebook)
    errors = [output for cell in notebook.cells for output in cell.get("outputs", ()) if output.output_type == "error"]
    assert len(errors) == 1
    report = (ran.output / f"{step}.html").read_text()
    assert report.rstrip().endswith("</html>")
    assert errors[0].ename in report


def test_nothing_else_was_written_and_no_process_is_left(ran: Ran) -> None:
    after = ran.project.listing()
    new = {path for path in after if after[path] != ran.before.get(path)}

    assert ran.before.keys() <= after.keys()
    # Bytecode is ignored by git, and written or not as the environment says.
    usual = ("pipelines/churn/output", "pipelines/churn/__pycache__", "mlartifacts")
    found = {path for path in new if not path.startswith(usual)}
    assert {path for path in found if not path.startswith(".cellmill")} == {"mlflow.db"}
    assert {Path(path).name for path in found if path.startswith(".cellmill/runs/20")} >= {"run.json", "events.jsonl"}
    assert not [path for path in found if path.startswith(".cellmill/spool")]
    assert ran.project.processes() == []
