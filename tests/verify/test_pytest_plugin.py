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
    "pipeline.yaml::checks::report::cell 12",
    "pipeline.yaml::criteria::train::total >= 20",
    "pipeline.yaml::criteria::train::total < 21",
}


def test_all_checks_of_a_sound_pipeline_pass(workspace: Workspace) -> None:
    workspace.promote()
    before = workspace.files()
    said = workspace.pytest("pipelines/sums/pipeline.yaml", "-n", "2", "--dist", "loadscope")
    assert said.passed == CHECKS, said.text
    assert workspace.files() == before


def test_what_does_not_hold_is_told_in_the_pipelines_words(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("tasks/load.py", "print('loaded', len(xs))", "print('got', len(xs))")
    workspace.edit("tasks/report.py", "assert xs[0] == 0", "assert xs[0] == 1")
    said = workspace.pytest("pipelines/sums/pipeline.yaml")
    assert said.failed == {
        "pipeline.yaml::outputs::load",
        "pipeline.yaml::build::report",
        "pipeline.yaml::checks::report::cell 12",
    }, said.text
    assert "task load: 1 cell shows something else than in sums.ipynb" in said.text
    assert "-loaded 5\n+got 5\n [0, 1, 2, 3, 4]" in said.text
    assert said.text.count("cell 12, line 1 (step report): a check failed: assert xs[0] == 1") == 2
    assert "task report was not built" in said.text
    assert "Traceback" not in said.text
    assert "pipeline.build()" not in said.text


def test_the_tests_own_parameters_are_used(workspace: Workspace) -> None:
    workspace.promote()
    workspace.edit("env.test.yaml", "n: 5", "n: 6")
    said = workspace.pytest("pipelines/sums/pipeline.yaml")
    assert said.failed == {"pipeline.yaml::build::train", "pipeline.yaml::criteria::train::total < 21"}, said.text
    assert "pipeline.yaml::criteria::train::total >= 20" in said.passed
    assert "task train, sums.ipynb, cell 9 (tasks/train.py, line" in said.text
    assert "wanted total < 21, measured total = 30" in said.text
    changed = "env.test.yaml changes n, which load or a task before it uses: the saved outputs are of other values"
    assert changed in said.text
    assert not {node for node in said.outcomes if "::outputs::" in node}


def test_nothing_is_built_to_list_the_checks_and_what_a_run_made_is_none(workspace: Workspace) -> None:
    folder = workspace.promote()
    (folder / "output").mkdir(exist_ok=True)
    (folder / "output" / "load.ipynb").write_text(workspace.notebook.read_text(encoding="utf-8"), encoding="utf-8")
    said = workspace.pytest("--nbval", "pipelines", "--collect-only", "-q")
    for check in CHECKS:
        assert f"pipelines/sums/{check}\n" in said.text
    assert "pipelines/sums/tests/load.ipynb::Cell 1\n" in said.text
    assert "output/" not in said.text


def test_a_setting_turns_it_off_and_other_peoples_pipelines_are_left_alone(workspace: Workspace) -> None:
    workspace.promote()
    (workspace.root / "pipeline.yaml").write_text("tasks: []\n", encoding="utf-8")
    said = workspace.pytest(".", "--collect-only", "-q")
    assert "\npipeline.yaml" not in said.text
    assert "pipelines/sums/pipeline.yaml::build::load\n" in said.text
    said = workspace.pytest(".", "--collect-only", "-q", "-o", "cellmill_pipelines=false")
    assert "pipeline.yaml" not in said.text


def test_the_plugin_is_light() -> None:
    code = (
        "import cellmill.pytest_plugin, sys;"
        "heavy = {'ploomber', 'papermill', 'mlflow', 'nbformat', 'jupytext', 'IPython', 'yaml', 'nbval'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
