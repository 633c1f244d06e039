"""Running pipelines: Ploomber decides what is outdated, Papermill executes, events tell what happens."""

from __future__ import annotations

from cellmill.run.events import Event, Listener
from cellmill.run.failure import Failure
from cellmill.run.result import RunResult, TaskResult
from cellmill.run.runner import run_pipeline
from cellmill.run.stop import StopSwitch

__all__ = ["Event", "Failure", "Listener", "RunResult", "StopSwitch", "TaskResult", "run_pipeline"]
