"""A small project with pipelines that declare schedules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scheduled import Project


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project that is the current folder, with a pipeline ``churn`` whose parameter ``day`` is a text."""
    for name in ("CELLMILL_STORE", "CELLMILL_TRACEBACK", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    made = Project(tmp_path)
    made.pipeline("churn", [], env={"day": "2026-01-01"})
    yield made
    if made._stores:
        made.close()
