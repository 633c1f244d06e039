"""Reads the records of runs: what has run, what runs now and how far it is, and what was lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from cellmill.errors import CellmillError
from cellmill.run.combinations import told_sweep
from cellmill.run.events import Event
from cellmill.run.log import RUN_ID, is_held, read_json, runs_folder
from cellmill.run.told_task import change_task, waiting_task
from cellmill.run.words import Lines

_LAST_WORDS = 300
# States of a run that has not ended.
GOING = ("queued", "running")
_END_STATES = ("failed", "refused", "stopped", "succeeded")
_PLACES = ("url", "experiment", "ui_command")

T = TypeVar("T")


class LoggedRun:
    """One run as its record tells it; :meth:`refresh` reads on where it stopped.

    Parameters
    ----------
    record
        The run's own folder.
    """

    def __init__(self, record: Path) -> None:
        self.record = record
        self.run_id = record.name
        self._header: dict[str, Any] = {}
        self._end: dict[str, Any] = {}
        self._offset = 0
        self._queued = False
        self._last = 0.0
        self._began: dict[str, Any] = {}
        self._tasks: dict[str, dict[str, Any]] = {}
        self._finished: dict[str, Any] = {}
        self._notices: list[str] = []
        self._seq = 0
        self._held = True
        self.refresh()

    @property
    def valid(self) -> bool:
        """Whether there is a record that can be read."""
        return bool(self._header)

    @property
    def pipeline(self) -> Path | None:
        """The pipeline's folder."""
        folder = self._header.get("pipeline")
        return Path(folder) if isinstance(folder, str) and folder else None

    @property
    def kind(self) -> str:
        """``run``, ``verify`` or ``sweep``."""
        return _one_of(("run", "verify", "sweep"), self._header.get("kind"))

    @property
    def asked(self) -> frozenset[str] | None:
        """The tasks that the run might execute; None for all."""
        found = self._began.get("asked")
        return frozenset(map(str, found)) if isinstance(found, list) else None

    @property
    def pid(self) -> int:
        """The process that runs it; 0 if that is not known."""
        return _as(int, self._header.get("pid"), 0)

    @property
    def started(self) -> float:
        """Seconds since the epoch."""
        return _as((int, float), self._header.get("started"), 0.0)

    @property
    def over(self) -> bool:
        """Whether nothing more will be written."""
        return bool(self._end) or not self._held

    @property
    def ended(self) -> float | None:
        """Seconds since the epoch; of a lost run, when it was last heard of; None while it goes on."""
        if not self.over and self.state in GOING:
            return None
        told = _as((int, float), self._end.get("ended"), 0.0)
        return told or max(self._last, self.started)

    @property
    def goes_on(self) -> bool:
        """Whether it runs, or waits to."""
        return self.state in GOING

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``succeeded``, ``failed``, ``stopped``, ``refused``; ``lost``: its process went."""
        if self._end:
            return _one_of(_END_STATES, self._end.get("state"))
        # What verification compares comes after the pipeline's own run.
        if self._finished and self.kind != "verify":
            return _one_of(_END_STATES, self._finished.get("state"))
        if not self._held:
            return "lost"
        return "queued" if self._queued and not self._began else "running"

    def refresh(self) -> bool:
        """Read what was written since; True if anything was."""
        if self._end:  # it is what is written last
            return False
        before = (bool(self._header), self._seq, self._held)
        # A header that was written before the process was started gets its id when that has begun.
        if not self._header or not (self.pid or self._end):
            self._header = read_json(self.record / "run.json")
            if not self._began:
                self._tasks = {str(one): waiting_task(str(one)) for one in _list(self._header.get("tasks"))}
        # Asked first: what a process wrote before it ended is then read below.
        self._held = not self._header or is_held(self.record)
        self._end = read_json(self.record / "end.json")
        for event in self.read_on():
            self._take(event)
        return bool(self._end) or before != (bool(self._header), self._seq, self._held)

    def read_on(self) -> Iterator[dict[str, Any]]:
        """The events that were written since the last call."""
        events, self._offset = _read(self.record / "events.jsonl", self._offset)
        yield from events

    def as_dict(self) -> dict[str, Any]:
        """The run with its tasks; paths are absolute."""
        header = self._header
        pipeline = self.pipeline
        tasks = {name: self._closed(task) for name, task in self._tasks.items()}
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "pipeline": str(pipeline) if pipeline else None,
            "name": pipeline.name if pipeline else self.run_id,
            "state": self.state,
            "started": self.started,
            "ended_at": self.ended,
            "seconds": self._seconds(),
            "parameters": self._began.get("parameters") or _mapping(header.get("parameters")),
            "profile": _as(str, self._began.get("profile") or header.get("profile"), "") or None,
            "source": _one_of(("cli", "lab", "magic", "schedule"), header.get("source")),
            "command": [str(one) for one in _list(header.get("command"))],
            "message": self._message(),
            "mlflow": self._mlflow(),
            "notices": list(self._notices),
            "tasks": list(tasks.values()),
            "sweep": told_sweep(self._began, self._finished, tasks),
            "seq": self._seq,
        }

    def _mlflow(self) -> dict[str, str | None] | None:
        found = _mapping(self._end.get("mlflow"))
        return {name: _as(str, found.get(name), "") or None for name in _PLACES} if found else None

    def _seconds(self) -> float | None:
        for found in (self._finished.get("seconds"), self._end.get("seconds")):
            if isinstance(found, (int, float)):
                return found
        return None

    def _message(self) -> str | None:
        if message := _as(str, self._end.get("message"), ""):
            return message
        failure = next((task["failure"] for task in self._tasks.values() if task["failure"]), None)
        if failure is not None:
            return _as(str, failure.get("sentence"), "") or None
        if self.state != "lost":
            return None
        words = _last_words(self.record / "log")
        return f"The process ended without a word{f' (its last line: {words})' if words else ''}; run it again."

    def _closed(self, task: dict[str, Any]) -> dict[str, Any]:
        """A task of a run that is over neither runs nor waits."""
        if self.goes_on or task["state"] not in ("running", "waiting"):
            return dict(task)
        return {**task, "state": "stopped" if task["state"] == "running" else "not-run"}

    def _take(self, event: dict[str, Any]) -> None:
        self._seq = _as(int, event.get("seq"), self._seq)
        data = _mapping(event.get("data"))
        kind, name = event.get("kind"), event.get("task")
        self._last = _as((int, float), event.get("at"), self._last)
        if kind == "run-queued":
            self._queued = True
        elif kind == "run-started":
            self._began = data
            self._tasks = {str(one): waiting_task(str(one)) for one in _list(data.get("tasks"))}
        elif kind == "run-finished":
            self._finished = data
        elif kind == "notice":
            self._notices.append(str(data.get("text", "")))
        elif isinstance(name, str) and name in self._tasks:
            change_task(self._tasks[name], str(kind), data, _as((int, float), event.get("at"), 0.0))


def list_runs(
    root: Path, *, pipeline: Path | None = None, states: Sequence[str] = (), limit: int | None = None
) -> list[LoggedRun]:
    """The runs of a project, newest first.

    Parameters
    ----------
    root
        The project's root.
    pipeline
        Only those of this pipeline's folder.
    states
        Only those in one of these states.
    limit
        At most so many.
    """
    found: list[LoggedRun] = []
    for record in record_folders(root):
        if limit is not None and len(found) >= limit:
            break
        run = LoggedRun(record)
        if run.valid and pipeline in (None, run.pipeline) and (not states or run.state in states):
            found.append(run)
    return found


def record_folders(root: Path) -> list[Path]:
    """The folders of all records of a project, newest first."""
    try:
        names = [name for name in os.listdir(runs_folder(root)) if RUN_ID.fullmatch(name)]
    except OSError:
        return []
    return [runs_folder(root) / name for name in sorted(names, reverse=True)]


def read_run(root: Path, run_id: str) -> LoggedRun:
    """The run with this id.

    Raises
    ------
    CellmillError
        If there is none.
    """
    if RUN_ID.fullmatch(run_id):
        run = LoggedRun(runs_folder(root) / run_id)
        if run.valid:
            return run
    raise CellmillError(f"there is no run {run_id}", remedy="type `cellmill runs` to see those that there are")


def read_events(record: Path, after: int = 0) -> list[dict[str, Any]]:
    """The events of a run with a higher ``seq`` than ``after``."""
    return [event for event in _read(record / "events.jsonl", 0)[0] if _as(int, event.get("seq"), 0) > after]


def read_log(record: Path, lines: int) -> str:
    """The last lines of what the run printed; of a run that printed into a terminal or a notebook, its events."""
    try:
        with (record / "log").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 400 * lines))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        text = "".join(f"{line}\n" for line in _told(record))
    return "".join(text.splitlines(keepends=True)[-lines:]) if lines else ""


def _told(record: Path) -> Iterator[str]:
    told = Lines()
    for event in read_events(record):
        try:
            line = told(Event(event["kind"], event["task"], event["data"], event["at"]))
        except (KeyError, TypeError, AttributeError):  # written by another version, or by somebody else
            continue
        if line is not None:
            yield line


def _read(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Whole lines from an offset on, and where the next ones will begin."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except OSError:
        return [], offset
    end = content.rfind(b"\n") + 1
    events = []
    for line in content[:end].splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events, offset + end


def _last_words(log: Path) -> str:
    try:
        lines = log.read_bytes()[-4096:].decode("utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:_LAST_WORDS] for line in reversed(lines) if line.strip()), "")


def _as(kind: Any, value: Any, otherwise: T) -> T:
    """The value if it is of that kind: records lie in folders that others write to."""
    fits = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    return cast(T, value) if fits else otherwise


def _one_of(known: Sequence[str], value: object) -> str:
    return value if isinstance(value, str) and value in known else known[0]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
