"""`pytest pipelines/` builds each promoted pipeline once, elsewhere, and says what does not hold in its own words."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Workspace

CHECKS = {
    *(f"pipeline.yaml::build::{task}" for task in ("load", "train", "report")),
    *(f"pipeline.yaml::outputs::{task}" for task in ("load", "train", "report")),
    "pipeline.yaml::checks::train::cell 10",
    "pipeline.yaml::criteria::train::total >= 20",
    "pipeline.yaml::criteria::train::total < 21",
}


def test_all_checks_of_a_sound_pipeline_pass(workspace: Workspace) -> None:
    workspace.promote()
    before = workspace.files()
    said = workspace.pytest("pipelines", "-n", "2", "--dist", "loadscope")
    assert said.passed == CHECKS | {
        f"tests/test_sums_shared.py::{name}" for name in ("test_defines[double]", "test_examples_hold")
    }, said.text
    assert workspace.files() == before


def test_what_does_not_hold_is_told_in_the_pipelines_words(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("tasks/load.py", "list(range(n))", "list(range(1, n + 1))")
    said = workspace.pytest("pipelines/sums/pipeline.yaml")
    assert said.failed == {
        "pipeline.yaml::build::train",
        "pipeline.yaml::outputs::load",
        "pipeline.yaml::criteria::train::total < 21",
    }, said.text
    assert "pipeline.yaml::criteria::train::total >= 20" in said.passed
    assert "task load: 1 cell shows something else than in sums.ipynb" in said.text
    assert "-[0, 1, 2, 3, 4]\n+[1, 2, 3, 4, 5]" in said.text
    assert "wanted total < 21, measured total = 30" in said.text
    assert "sums.ipynb, cell 9, line 2 (step train): criteria not met: total < 21, measured total = 30" in said.text
    assert "task report did not run: train failed" in said.text
    assert "Traceback" not in said.text
    assert "pytest_plugin.py" not in said.text


def test_a_check_cell_that_fails_fails_its_own_test(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("tasks/train.py", "assert total % 2 == 0", "assert total % 2 == 1")
    said = workspace.pytest("pipelines/sums/pipeline.yaml")
    assert said.failed == {"pipeline.yaml::build::train", "pipeline.yaml::checks::train::cell 10"}, said.text
    assert "cell 10, line 1 (step train): a check failed: assert total % 2 == 1" in said.text


def test_the_tests_settings_are_used_and_outputs_of_other_values_skipped(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("env.test.yaml", "n: 5", "n: 6")
    said = workspace.pytest("pipelines/sums/pipeline.yaml")
    assert "wanted total < 21, measured total = 30" in said.text
    assert (
        "env.test.yaml changes n, which load or a task before it uses: the saved outputs are of other values"
        in said.text
    )
    assert not {node for node in said.failed if "outputs" in node}


def test_nothing_is_built_to_list_the_checks(workspace: Workspace) -> None:
    workspace.promote()
    said = workspace.pytest("pipelines", "--collect-only", "-q")
    for check in CHECKS:
        assert f"pipelines/sums/{check}\n" in said.text


def test_executed_notebooks_are_no_tests(workspace: Workspace) -> None:
    folder = workspace.promote()
    (folder / "output").mkdir(exist_ok=True)
    (folder / "output" / "load.ipynb").write_text(workspace.notebook.read_text(encoding="utf-8"), encoding="utf-8")
    said = workspace.pytest("--nbval", "pipelines", "--collect-only", "-q")
    assert "output" not in said.text
    assert "pipelines/sums/tests/load.ipynb::Cell 1\n" in said.text


def test_a_setting_turns_it_off(workspace: Workspace) -> None:
    workspace.promote()
    (workspace.root / "pytest.ini").write_text("[pytest]\ncellmill_pipelines = false\n", encoding="utf-8")
    said = workspace.pytest("pipelines", "--collect-only", "-q")
    assert "pipeline.yaml" not in said.text


def test_other_peoples_pipelines_are_left_alone(workspace: Workspace) -> None:
    (workspace.root / "pipeline.yaml").write_text("tasks: []\n", encoding="utf-8")
    assert "no tests" in workspace.pytest(".", "--collect-only").text


def test_the_plugin_is_light() -> None:
    code = (
        "import cellmill.pytest_plugin, sys;"
        "heavy = {'ploomber', 'papermill', 'mlflow', 'nbformat', 'jupytext', 'IPython', 'yaml', 'nbval'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
