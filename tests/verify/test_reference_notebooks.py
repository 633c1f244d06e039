"""`pytest --nbval` on a promoted pipeline: works from a fresh clone, and a changed number in a task makes it fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Workspace


def test_passes_from_a_fresh_clone_on_two_workers(workspace: Workspace) -> None:
    workspace.promote()
    before = workspace.files()
    said = workspace.pytest("--nbval", "-n", "2", "--dist", "loadscope", "pipelines/sums/tests")
    assert not said.failed, said.text
    assert said.passed == {
        *(f"tests/load.ipynb::Cell {number}" for number in range(3)),
        *(f"tests/train.ipynb::Cell {number}" for number in range(4)),
        *(f"tests/report.ipynb::Cell {number}" for number in range(4)),
        "tests/test_sums_shared.py::test_defines[double]",
        "tests/test_sums_shared.py::test_defines[half]",
        "tests/test_sums_shared.py::test_examples_hold",
    }
    assert workspace.files() == before, "neither products nor anything else outside of the tests' cache"


def test_what_the_task_says_now_is_tested(workspace: Workspace) -> None:
    folder = workspace.promote()
    workspace.edit("tasks/train.py", "double(sum(xs))", "double(sum(xs)) + 2")
    workspace.edit("tasks/train.py", '# %% cell="obj"\n', "# %%\nadded = 1\n")
    workspace.edit("tasks/train.py", '# %% cell="cri"\n', '# %% cell="cri"\nassert added == 1\n')
    said = workspace.pytest("--nbval", "train.ipynb", cwd=folder / "tests")
    assert {number: said.outcomes[f"train.ipynb::Cell {number}"] for number in range(4)} == {
        0: "PASSED",
        1: "FAILED",  # the number
        2: "FAILED",  # no longer in the task
        3: "FAILED",  # sees what the new cell made, but total < 21
    }, said.text
    assert "- 22\n" in said.text
    assert "+ 20\n" in said.text
    assert "tasks/train.py no longer has this cell" in said.text
    assert "criteria not met: total < 21, measured total = 22" in said.text


def test_what_mlflow_says_of_its_store_is_not_compared(workspace: Workspace) -> None:
    made = "2026/11/21 09:07:24 INFO mlflow.store.db.utils: Creating initial MLflow database tables..."
    workspace.write(loa=f"import sys\nprint({made!r}, file=sys.stderr)\nxs = [0, 1, 2, 3, 4]\nprint('loaded', 5)\nxs")
    workspace.promote()
    said = workspace.pytest("--nbval", "pipelines/sums/tests/load.ipynb")
    assert not said.failed, said.text
    workspace.edit("tasks/load.py", "INFO mlflow", "INFO mymodule")
    assert workspace.pytest("--nbval", "pipelines/sums/tests/load.ipynb").failed == {"tests/load.ipynb::Cell 1"}


def test_a_failing_set_up_is_told_once(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("tasks/load.py", "xs = list(range(n))", "xs = list(range(m))")
    said = workspace.pytest("--nbval", "pipelines/sums/tests/report.ipynb")
    assert "the tasks before report could not be built" in said.text
    assert "name 'm' is not defined" in said.text
    assert "the set-up of this notebook failed: see its first cell" in said.text


def test_a_parameter_that_the_tests_change_skips_what_depends_on_it(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("env.test.yaml", "n: 5", "n: 3")
    said = workspace.pytest("--nbval", "pipelines/sums/tests/train.ipynb")
    assert not said.outcomes, said.text
    reason = "env.test.yaml changes n, which train or a task before it uses: the saved outputs are of other values"
    assert reason in said.text


def test_a_shared_function_that_is_gone_or_wrong_fails_its_test_alone(workspace: Workspace) -> None:
    inline = "print('loaded', n if 'inline' in os.environ['MPLBACKEND'] else 'with another backend')"
    workspace.write(sha=f"%matplotlib inline\n{workspace.shared}", loa=f"import os\nxs = list(range(n))\n{inline}\nxs")
    workspace.promote()
    workspace.edit("sums_shared.py", "return 2 * x", "return 3 * x")
    workspace.edit("sums_shared.py", "def half", "def third")
    tests = "pipelines/sums/tests"
    said = workspace.pytest("--nbval", f"{tests}/test_sums_shared.py", f"{tests}/load.ipynb")
    assert said.failed == {
        "tests/test_sums_shared.py::test_examples_hold",
        "tests/test_sums_shared.py::test_defines[half]",
    }, said.text
    assert "sums_shared.py does not define half" in said.text
    assert "tests/load.ipynb::Cell 2" in said.passed
