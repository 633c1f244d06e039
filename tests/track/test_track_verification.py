"""A verification's report goes to MLflow where the project has a store, and makes none where it has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmill.track import record_verification
from cellmill.track.store import connect, local_store


def test_the_report_is_recorded_where_there_is_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "pipelines" / "churn"
    folder.mkdir(parents=True)
    (folder / "cellmill.yaml").write_text("notebook: ../../churn.ipynb\nexperiment: leavers\n", encoding="utf-8")
    report = folder / "verification.html"
    report.write_text("<p>equal</p>", encoding="utf-8")
    assert record_verification(folder, "equal", {"cells": {"equal": 2}}, report) is None
    assert not (tmp_path / "mlflow.db").exists()
    client = connect(local_store(tmp_path))
    assert record_verification(folder, "equal", {"cells": {"equal": 2}}, report) is None
    (run,) = client.search_runs([client.get_experiment_by_name("leavers").experiment_id])
    assert (run.info.run_name, run.info.status) == ("verify churn", "FINISHED")
    assert (run.data.tags["cellmill.verified"], run.data.metrics) == ("equal", {"verified.cells.equal": 2.0})
    (artifact,) = client.list_artifacts(run.info.run_id, "verification")
    assert artifact.path == "verification/verification.html"
