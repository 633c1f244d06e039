"""What becomes of a run's events: which MLflow run each belongs to, when it begins and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellmill.errors import shown
from cellmill.run.events import Event
from cellmill.track.environment import authors_choice, task_sources, task_variables
from cellmill.track.left_open import end_what_was_left
from cellmill.track.provenance import read_pipeline
from cellmill.track.record import (
    STATUS,
    Record,
    as_params,
    run_closing,
    run_opening,
    task_closing,
    task_opening,
)
from cellmill.track.sink import Sink, TrackedRun
from cellmill.track.store import Store


@dataclass
class _Task:
    """One task's MLflow runs: the attempt under way, and the attempts before it."""

    current: TrackedRun
    attempt: int
    earlier: list[TrackedRun] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    ended: bool = False
    on_server: bool = False


class Journal:
    """Writes one run, event by event; begins with the ``run-started`` event.

    Parameters
    ----------
    folder
        The pipeline's folder.
    root
        The project's root.
    store
        Where the run belongs.
    tell
        Takes each sentence that the user should read.
    event
        The ``run-started`` event.
    """

    def __init__(self, folder: Path, root: Path, store: Store, tell: Callable[[str], None], event: Event) -> None:
        self._pipeline = read_pipeline(folder)
        self._tasks: dict[str, _Task] = {}
        self._endings: list[tuple[TrackedRun, str, float]] = []
        self._skipped: dict[str, str] = {}
        self._failures: dict[str, str] = {}
        self._metrics: dict[str, dict[str, float]] = {}
        self._finished = False
        # By task what its own cells logged with MLflow.
        self.logged: dict[str, dict[str, float]] = {}
        self._tell = tell
        name = self._name(event)
        self.experiment = self._pipeline.experiment
        self.sink = Sink(store, root, self.experiment, name.replace(" ", "-"), tell)
        self.run = self.sink.start(name, None, self._opening(event), event.at)
        own = event.data.get("run_id")
        self.sink.look(
            self.run,
            lambda client, experiment_id: end_what_was_left(client, experiment_id, root, self._pipeline.name, own),
        )

    def _name(self, event: Event) -> str:
        return f"{self._pipeline.name} {event.data.get('run_id') or round(event.at)}"

    def _opening(self, event: Event) -> Record:
        """What is known of the run when it begins."""
        return run_opening(self._pipeline, event)

    def _place_of(self, name: str, _at: float) -> tuple[TrackedRun, str]:
        """The run that a task's run belongs under, and the task in the pipeline."""
        return self.run, name

    def take(self, event: Event) -> None:
        """Record one event."""
        if self._finished:
            return
        if event.kind == "run-finished":
            self._finish(event)
        elif event.task is not None:
            self._take_task(event.task, event)

    def environment(self, name: str) -> dict[str, str]:
        """Give a kernel's environment; starts the task's MLflow run if its event has not come yet."""
        if self._finished:
            return {}
        task = self._open(name, time.time())
        place = self.sink.place(task.current)
        if place is None:
            return {}
        task.on_server = self.sink.spool is None
        folder = self._pipeline.folder
        workdir = self._pipeline.notebook.parent if self._pipeline.notebook else folder
        sources = task_sources(folder, self._place_of(name, task.current.started)[1], workdir)
        choice = authors_choice(sources, experiment=self.experiment, store=place.store, workdir=workdir)
        return task_variables(place, self.experiment, choice)

    def deserted(self, name: str) -> bool:
        """Say whether the server that a task's kernel was given has gone away since; turns to the spool if so."""
        task = self._tasks.get(name)
        if task is None or task.ended or not task.on_server:
            return False
        self.sink.check()
        return self.sink.spool is not None

    def abandon(self) -> None:
        """End what is open, as killed."""
        self.take(Event("run-finished", data={"state": "stopped"}))

    def _take_task(self, name: str, event: Event) -> None:
        if event.kind == "task-skipped":
            self._skipped[name] = str(event.data.get("reason") or "skipped")
        elif event.kind == "task-started":
            task = self._open(name, event.at, int(event.data.get("attempt") or 0))
            task.parameters = dict(event.data.get("parameters") or {})
        elif event.kind in ("task-finished", "task-failed", "task-retried"):
            self._close(name, event)

    def _open(self, name: str, at: float, attempt: int = 0) -> _Task:
        """Give the task with an MLflow run for the attempt that is under way.

        An attempt is a run of its own, as MLflow takes a param only once. Those that failed go under the latest one,
        so that the parent has one run for each task.
        """
        task = self._tasks.get(name)
        if task is not None and not task.ended and attempt <= task.attempt:
            return task
        earlier = [*task.earlier, task.current] if task is not None else []
        number = max(attempt, len(earlier) + 1)
        under, known = self._place_of(name, at)
        called = name if under is self.run else known
        current = self.sink.start(called, under, task_opening(self._pipeline, known, number), at)
        for past, run in enumerate(earlier, start=1):
            self.sink.nest(run, current, f"{called} (attempt {past})")
        self._tasks[name] = _Task(current, number, earlier, task.parameters if task is not None else {})
        return self._tasks[name]

    def _close(self, name: str, event: Event) -> None:
        before = self._tasks.get(name)
        if before is not None and before.ended and event.kind == "task-retried":
            return
        task = self._open(name, event.at - float(event.data.get("seconds") or 0))
        record = task_closing(event, task.parameters, self._pipeline.folder, task.current.started)
        deserted = event.kind == "task-finished" and self.deserted(name)
        if not deserted:
            metrics = self.sink.metrics(task.current)
            if found := {key: value for key, value in metrics.items() if not key.startswith("system/")}:
                self.logged[name] = found
        self._end(task.current, record, _status(event), event.at)
        task.ended = True
        if deserted:
            self._tell(
                f"MLflow: the tracking {self.sink.kind} went away while {name} ran, so what its own cells logged then "
                f"may be missing; to record it again: cellmill run {shown(self._pipeline.folder)} --only {name}"
            )
        self._metrics[name] = dict(record.metrics)
        if event.kind == "task-failed":
            self._failures[name] = record.tags.get("cellmill.failure", "failed")

    def _finish(self, event: Event) -> None:
        self._finished = True
        for task in self._tasks.values():
            if not task.ended:
                self._end(task.current, Record(params=as_params(task.parameters), at=event.at), "KILLED", event.at)
        for run, status, at in self._endings:
            self.sink.settle(run, status, at)
        record = self._closing(event)
        self.sink.end(self.run, record, STATUS.get(event.data.get("state", "stopped"), "KILLED"), event.at)
        self.sink.close()

    def _closing(self, event: Event) -> Record:
        """What is known of the run when it has ended."""
        return run_closing(event, self._skipped, self._failures, self._metrics)

    def _end(self, run: TrackedRun, record: Record, status: str, at: float) -> None:
        self.sink.end(run, record, status, at)
        self._endings.append((run, status, at))


def _status(event: Event) -> str:
    """Give the final state, in MLflow's word, of the attempt that an event ends."""
    if event.kind == "task-finished":
        return "FINISHED"
    return "KILLED" if (event.data.get("failure") or {}).get("kind") == "stopped" else "FAILED"
