"""What becomes of a sweep's events: under its run one for each combination, and under that one for each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cellmill.run.events import Event
from cellmill.track.journal import Journal
from cellmill.track.record import DURATION, Record, as_metrics, as_params, as_tags, run_opening
from cellmill.track.sink import TrackedRun
from cellmill.track.store import Store

_STATUS = {"succeeded": "FINISHED", "up-to-date": "FINISHED", "failed": "FAILED"}


class SweepJournal(Journal):
    """Writes one sweep. The steps that combinations share have their runs directly under the sweep's.

    A combination's run ends as soon as all of its steps have, with their metrics: by their own names, and as
    ``TASK/NAME`` where several of its steps record the same.

    Parameters
    ----------
    folder, root, store, tell, event
        As for :class:`~cellmill.track.journal.Journal`.
    """

    def __init__(self, folder: Path, root: Path, store: Store, tell: Callable[[str], None], event: Event) -> None:
        sweep = event.data["sweep"]
        self._combinations: list[dict[str, Any]] = list(sweep["combinations"])
        self._varied: list[str] = list(sweep["varied"])
        self._runs: dict[int, TrackedRun] = {}
        self._over: set[int] = set()
        # By work its task, and the combinations that need it.
        self._known: dict[str, str] = {}
        self._users: dict[str, list[int]] = {}
        for place, one in enumerate(self._combinations):
            for task, work in one["tasks"].items():
                self._known[work] = task
                self._users.setdefault(work, []).append(place)
        # By work how it ended, the numbers that it recorded, and what it took.
        self._states: dict[str, str] = {}
        self._recorded: dict[str, dict[str, float]] = {}
        self._took: dict[str, float] = {}
        super().__init__(folder, root, store, tell, event)

    def take(self, event: Event) -> None:
        """Record one event."""
        super().take(event)
        if event.task in self._known and event.kind in ("task-finished", "task-failed", "task-skipped"):
            self._ended(event.task or "", event)

    def _name(self, event: Event) -> str:
        return f"{self._pipeline.name} sweep {event.data.get('run_id') or round(event.at)}"

    def _opening(self, event: Event) -> Record:
        record = run_opening(self._pipeline, event)
        tags = {"cellmill.kind": "sweep", "cellmill.varied": ", ".join(self._varied)}
        tags |= {"cellmill.combinations": str(len(self._combinations)), "cellmill.tasks": ", ".join(self._task_names())}
        return replace(record, tags={**record.tags, **as_tags(tags)})

    def _task_names(self) -> list[str]:
        return list(self._combinations[0]["tasks"]) if self._combinations else []

    def _place_of(self, name: str, at: float) -> tuple[TrackedRun, str]:
        task = self._known.get(name, name)
        users = self._users.get(name, [])
        return (self._run_of(users[0], at) if len(users) == 1 and len(self._combinations) > 1 else self.run), task

    def _run_of(self, place: int, at: float) -> TrackedRun:
        """The run of a combination, made when it is needed."""
        if place not in self._runs:
            one = self._combinations[place]
            tags = {"cellmill.kind": "combination", "cellmill.pipeline": self._pipeline.name}
            record = Record(params=as_params(one["parameters"]), tags=as_tags(tags), at=at)
            self._runs[place] = self.sink.start(one["label"], self.run, record, at)
        return self._runs[place]

    def _ended(self, work: str, event: Event) -> None:
        self._states[work] = _state(event)
        self._recorded[work] = as_metrics(event.data.get("metrics") or {})
        self._took[work] = float(event.data.get("seconds") or 0.0)
        for place in self._users[work]:
            if all(name in self._states for name in self._combinations[place]["tasks"].values()):
                self._end_combination(place, event.at)

    def _end_combination(self, place: int, at: float) -> None:
        if place in self._over or len(self._combinations) < 2:
            return
        self._over.add(place)
        tasks: Mapping[str, str] = self._combinations[place]["tasks"]
        states = {self._states.get(work, "stopped") for work in tasks.values()}
        state = _of_all(states)
        own = [work for work in tasks.values() if len(self._users[work]) == 1]
        seconds = {DURATION: sum(self._took.get(work, 0.0) for work in own)}
        record = Record(metrics={**self._metrics_of(tasks), **seconds}, tags=as_tags({"cellmill.state": state}), at=at)
        self._end(self._run_of(place, at), record, _STATUS.get(state, "KILLED"), at)

    def _metrics_of(self, tasks: Mapping[str, str]) -> dict[str, float]:
        names = [name for work in tasks.values() for name in self._recorded.get(work, {})]
        return {
            name if names.count(name) == 1 else f"{task}/{name}": value
            for task, work in tasks.items()
            for name, value in self._recorded.get(work, {}).items()
        }

    def _closing(self, event: Event) -> Record:
        for place in sorted(self._runs.keys() - self._over):
            self._end_combination(place, event.at)
        data = event.data
        tags = {"cellmill.state": data.get("state"), "cellmill.best": data.get("best")}
        tags |= {"cellmill.metric": data.get("metric"), "cellmill.failure": next(iter(self._failures.values()), None)}
        metrics = {DURATION: data.get("seconds")}
        if data.get("best") is not None and data.get("metric"):
            metrics[data["metric"]] = data.get("value")
        page = data.get("page")
        artifacts = ((Path(page), None),) if page and Path(page).is_file() else ()
        return Record(metrics=as_metrics(metrics), tags=as_tags(tags), artifacts=artifacts, at=event.at)


def _state(event: Event) -> str:
    if event.kind == "task-finished":
        return "succeeded"
    if event.kind == "task-skipped":
        return "up-to-date" if event.data.get("up_to_date") else "not-run"
    return "stopped" if (event.data.get("failure") or {}).get("kind") == "stopped" else "failed"


def _of_all(states: set[str]) -> str:
    """A combination's state from its steps': the one that says most."""
    if "failed" in states:
        return "failed"
    if states <= {"up-to-date", "succeeded"}:
        return "succeeded" if "succeeded" in states else "up-to-date"
    return "stopped"
