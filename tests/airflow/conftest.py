"""A pipeline, promoted and exported, and an Airflow to run it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from real_airflow import BIN, Airflow

CELLS = [
    (["parameters"], "word: str = 'a'\nn = 2\nmeddle = False"),
    (["step:load"], "xs = [n] * 3\nsaid = word"),
    (["step:fit"], "total = sum(xs)\nassert total < 20, 'too much'"),
    (
        ["step:fit"],
        "if meddle:\n    from pathlib import Path\n"
        "    Path('../pipelines/mill/output/.load.ipynb.metadata').write_text('of another run')",
    ),
    (["step:report"], "print(total, said)"),
]
SCHEDULES: list[dict[str, Any]] = [
    {
        "name": "nightly",
        "cron": "30 0 * * MON-FRI",
        "timezone": "Europe/Berlin",
        "retries": 1,
        "retry_delay": "1s",
        "timeout": "10m",
        "parameters": {
            "word": "of {{ date | days(-1) }} {{ due | format('%H:%M') }} {{ last_success | default('no') }}"
        },
    },
    {"name": "hourly", "every": "1h", "timezone": "Asia/Kolkata", "misfire": "all"},
]


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Airflow with the DAGs of a promoted pipeline."""
    if not (BIN / "airflow").exists():
        pytest.skip("there is no Airflow here; `make test-airflow` installs it into .venv/airflow")
    project = tmp_path_factory.mktemp("project")
    (project / "pyproject.toml").write_text("")
    _promote(project)
    _cellmill(project, "export", "airflow", "mill", "--start", "2026-11-01")
    made = Airflow(tmp_path_factory.mktemp("airflow"), project)
    done = made("db", "migrate")
    assert done.returncode == 0, done.stderr
    return made


def _promote(project: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for tags, source in CELLS:
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    (project / "notebooks").mkdir()
    nbformat.write(notebook, project / "notebooks/mill.ipynb")
    _cellmill(project, "promote", "notebooks/mill.ipynb")
    path = project / "pipelines/mill/cellmill.yaml"
    settings = yaml.safe_load(path.read_text()) | {"schedule": SCHEDULES, "steps": {"fit": {"timeout": 60}}}
    settings["parameters"]["n"]["maximum"] = 10
    path.write_text(yaml.safe_dump(settings, sort_keys=False))


def _cellmill(project: Path, *words: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "cellmill", *words], cwd=project, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def tags(airflow: Airflow) -> Callable[[str], list[str]]:
    """The values that MLflow has of a tag, the latest last."""

    def values(key: str) -> list[str]:
        with closing(sqlite3.connect(airflow.project / "mlflow.db")) as store:
            rows = store.execute(
                "SELECT tags.value FROM tags JOIN runs USING (run_uuid) WHERE key = ? ORDER BY start_time", (key,)
            )
            return [value for (value,) in rows]

    return values
