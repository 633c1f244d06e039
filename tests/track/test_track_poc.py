"""Logging while experimenting: the same cells, in a notebook's own kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cellmill.track import poc_environment

if TYPE_CHECKING:
    from conftest import Project

SETUP = """
import os
from pathlib import Path
from cellmill.track import log_poc_metric, poc_environment
from cellmill.track.poc import flush_poc_metrics
os.environ.update(poc_environment(Path("churn.ipynb")))
"""


def test_the_notebooks_cells_log_to_its_own_experiment(
    new_project: Project, records: Any, cells: Any, elsewhere: Path
) -> None:
    printed = cells(
        {},
        new_project.notebooks,
        SETUP + "print(log_poc_metric('alone', 0.5))",
        "flush_poc_metrics()\nprint(log_poc_metric('alone', 0.75))\nflush_poc_metrics()",
        # A metric logged so must not be in the way of the author's own run.
        "import mlflow\nwith mlflow.start_run(run_name='mine'):\n"
        "    log_poc_metric('inside', 1)\n    mlflow.log_text('x', 'x.txt')",
        "mlflow.set_experiment('another')\nwith mlflow.start_run(run_name='other'):\n    mlflow.log_text('x', 'y.txt')",
    )
    assert printed == "None\nNone\n"
    found = records()
    by_name = {run.info.run_name: run for run in found.runs("poc/churn")}
    assert by_name.pop("mine").data.metrics == {"inside": 1}
    (session,) = by_name.values()
    assert session.info.status == "FINISHED"
    assert [point.value for point in found.client.get_metric_history(session.info.run_id, "alone")] == [0.5, 0.75]
    assert found.run("other", "another").info.status == "FINISHED"
    kept = {path.name for path in (new_project.root / "mlartifacts").rglob("*.txt")}
    assert kept == {"x.txt", "y.txt"}
    assert [path.name for path in [*elsewhere.iterdir(), *new_project.notebooks.iterdir()]] == ["churn.ipynb"]


def test_its_environment_is_made_without_mlflow(new_project: Project) -> None:
    code = """
import sys
from pathlib import Path
from cellmill.track import poc_environment
poc_environment(Path(sys.argv[1]))
assert "mlflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(new_project.notebook)], check=True)
    assert not (new_project.root / "mlflow.db").exists()


def test_what_the_user_set_stays(new_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    found = poc_environment(new_project.notebook)
    assert found["MLFLOW_TRACKING_URI"] == "http://server:5000"
    assert found["MLFLOW_DISABLE_TELEMETRY"] == "false"
    assert "MLFLOW_EXPERIMENT_NAME" not in found


def test_metrics_wait_for_a_server_that_is_down(new_project: Project, records: Any, cells: Any) -> None:
    printed = cells(
        {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"},
        new_project.notebooks,
        SETUP + "log_poc_metric('a', 1)\nflush_poc_metrics()\nprint(log_poc_metric('a', 2))\nflush_poc_metrics()",
    )
    assert "connection refused" in printed
    assert "cellmill track push" in printed
    (database,) = new_project.root.glob(".cellmill/spool/poc_churn-*/mlflow.db")
    (run,) = records(f"sqlite:///{database}").runs("poc/churn")
    assert run.data.metrics == {"a": 2}
