"""Running pipelines: Ploomber decides what is outdated, Papermill executes, events tell what happens."""

from __future__ import annotations

from cellmill.run.events import Event, Listener
from cellmill.run.failure import Failure
from cellmill.run.forecast import DryRun, ExpectedTask, dry_run
from cellmill.run.history import LoggedRun, list_runs, read_run
from cellmill.run.log import RunLog
from cellmill.run.result import RunResult, TaskResult
from cellmill.run.runner import run_pipeline
from cellmill.run.stop import StopSwitch

__all__ = [
    "DryRun",
    "Event",
    "ExpectedTask",
    "Failure",
    "Listener",
    "LoggedRun",
    "RunLog",
    "RunResult",
    "StopSwitch",
    "TaskResult",
    "dry_run",
    "list_runs",
    "read_run",
    "run_pipeline",
]
