"""A real Airflow in an environment of its own, with a home that is thrown away."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(__file__).parents[2] / ".venv/airflow/bin"


@dataclass(frozen=True)
class Airflow:
    """An Airflow of version 3 on SQLite, with the project's ``dags`` as its DAG folder."""

    home: Path
    project: Path

    def environment(self, **more: str) -> dict[str, str]:
        """The tests' variables but Airflow's, so that nothing is told to anybody and nothing of the user's counts."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return {
            **kept,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.project / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
            "SCARF_ANALYTICS": "false",
            "DO_NOT_TRACK": "1",
            "AIRFLOW_VAR_CELLMILL_COMMAND": str(Path(sys.executable).parent / "cellmill"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.project}/mlflow.db",
            **more,
        }

    def __call__(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Call the command ``airflow``."""
        return subprocess.run(
            [BIN / "airflow", *words], env=self.environment(**more), capture_output=True, text=True, timeout=300
        )

    def asked(self, script: str, *words: str) -> Any:
        """What a script run by Airflow's Python prints last, as JSON."""
        done = subprocess.run(
            [BIN / "python", "-c", script, *words], env=self.environment(), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def run(self, dag: str, day: str, **parameters: Any) -> tuple[str, dict[str, str], str]:
        """Run a DAG by ``airflow dags test``: how the run and its tasks ended, as Airflow keeps it, and its log."""
        done = self("dags", "test", dag, day, "-c", json.dumps(parameters))
        with closing(sqlite3.connect(self.home / "airflow.db")) as store:
            run_id, state = store.execute(
                "SELECT run_id, state FROM dag_run WHERE dag_id = ? ORDER BY id DESC LIMIT 1", (dag,)
            ).fetchone()
            tasks = store.execute(
                "SELECT task_id, state FROM task_instance WHERE dag_id = ? AND run_id = ?", (dag, run_id)
            )
            states = dict(tasks.fetchall())
        said = done.stdout + done.stderr
        assert (done.returncode == 0) == (state == "success"), said
        return state, states, said
