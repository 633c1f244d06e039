"""What a run gives back: its state, and for each task what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cellmill.run.events import RunState
from cellmill.run.failure import Failure

TaskState = Literal["succeeded", "up-to-date", "failed", "stopped", "not-run"]


@dataclass(frozen=True)
class TaskResult:
    """One task of a run.

    Attributes
    ----------
    state
        ``up-to-date``: its products were whole and current; ``not-run``: not asked for, or something before it failed.
    seconds
        How long it took, over all attempts.
    attempts
        How often it was tried.
    notebook, report, variables
        The executed notebook, its HTML report and the manifest of its variables (absolute paths).
    metrics
        What ``%metric`` recorded, of a failed task too.
    reason
        Why it did not run, in a few words.
    failure
        Why it failed.
    """

    name: str
    state: TaskState
    seconds: float = 0.0
    attempts: int = 0
    notebook: Path | None = None
    report: Path | None = None
    variables: Path | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes
    ----------
    failure
        The first failure; also set when the run was stopped during a task.
    folder
        The pipeline's folder.
    output
        The folder of the products.
    """

    run_id: str
    state: RunState
    tasks: tuple[TaskResult, ...]
    seconds: float
    failure: Failure | None
    folder: Path
    output: Path

    def __getitem__(self, name: str) -> TaskResult:
        """The result of the task with this name."""
        return next(task for task in self.tasks if task.name == name)
