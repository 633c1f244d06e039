"""When a cell last ran and how long, as JupyterLab's timing or Papermill wrote it into the cell's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def last_run(metadata: Mapping[str, Any]) -> tuple[str | None, float | None]:
    """The last run's begin (ISO 8601) and its seconds; None for what is not written down or can't be read.

    Examples
    --------
    >>> times = {"iopub.execute_input": "2026-01-01T10:00:00Z", "shell.execute_reply": "2026-01-01T10:20:00Z"}
    >>> last_run({"execution": times})
    ('2026-01-01T10:00:00+00:00', 1200.0)
    """
    for key, begin, end in (
        ("execution", "iopub.execute_input", "shell.execute_reply"),
        ("papermill", "start_time", "end_time"),
    ):
        times = metadata.get(key)
        if not isinstance(times, Mapping):
            continue
        began, ended = _time(times.get(begin)), _time(times.get(end))
        if began is None:
            continue
        seconds = (ended - began).total_seconds() if ended is not None else None
        return began.isoformat(), seconds if seconds is None or seconds >= 0 else None
    return None, None


def _time(text: object) -> datetime | None:
    """A time with its zone; without one it is UTC, in which both tools write."""
    from datetime import UTC

    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
