"""The run of one tick: started, looked at, stopped, and what it says of how it ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cellmill.run.history import LoggedRun
from cellmill.run.log import is_held, new_run_id, runs_folder, write_end
from cellmill.run.stop_process import ask_to_stop
from cellmill.schedule.declare import Known
from cellmill.schedule.durations import written
from cellmill.schedule.keep import keep_outputs
from cellmill.schedule.launch import Launcher, was_begun
from cellmill.schedule.orders import order_of
from cellmill.schedule.store import Store
from cellmill.schedule.templates import Moment
from cellmill.schedule.ticks import Tick, last_success, started, starting

STOPPING = 30.0
"""Seconds that a run may take to stop before its process is killed."""


class RunningTick:
    """A tick whose run goes on, as its record tells it; whoever started it.

    Attributes
    ----------
    tick
        As the store has it.
    stopped_for
        Why it was asked to stop, if it was.
    """

    def __init__(self, known: Known, tick: Tick) -> None:
        self.known = known
        self.tick = tick
        self.stopped_for: str | None = None
        self._asked = 0.0
        self._record = Path(tick.record) if tick.record else None
        self._run = LoggedRun(self._record) if self._record is not None else None

    @property
    def goes_on(self) -> bool:
        """Whether its process, or one that it started, lives."""
        return self._record is not None and is_held(self._record)

    @property
    def was_begun(self) -> bool:
        """Whether its process has told anything."""
        return self._record is not None and was_begun(self._record)

    @property
    def may_be_repeated(self) -> bool:
        """Whether another attempt could end otherwise: not of a run that was refused."""
        return self._run is None or self._run.state != "refused"

    @property
    def failure(self) -> Mapping[str, Any]:
        """Its first failure as its record tells it."""
        if self._run is None:
            return {}
        told = self._run.as_dict()
        found = next((task["failure"] for task in told["tasks"] if task["failure"]), None)
        mlflow = told["mlflow"] or {}
        return {**(found or {"sentence": told["message"]}), "mlflow": mlflow.get("url")}

    def look(self) -> None:
        """Read what it has told since the last look."""
        if self._run is not None:
            self._run.refresh()

    def keep(self) -> None:
        """Keep what it has made."""
        if self._record is not None:
            keep_outputs(self._record)

    def overtime(self, now: float) -> str | None:
        """Why it has to stop, if it takes longer than its schedule allows."""
        limit = self.known.settings.timeout
        if limit is None or now - (self.tick.started or self.tick.claimed or now) <= limit:
            return None
        return f"it took longer than {written(limit)} (timeout)"

    def outcome(self) -> tuple[str, str]:
        """How its tick ends, and why."""
        if self._run is None:
            return "lost", "its process ended before it told anything"
        self._run.refresh()
        state = self._run.state
        words = str(self._run.as_dict()["message"] or "")
        if self.stopped_for is not None and state == "lost" and self._record is not None:
            # Stopped while it was still at its imports: nobody was there yet to write it down.
            with suppress(OSError):
                write_end(self._record, "stopped", message=self.stopped_for)
        if self.stopped_for is not None and state in ("stopped", "lost"):
            return ("failed" if "(timeout)" in self.stopped_for else "stopped"), self.stopped_for
        if state in ("succeeded", "failed", "stopped", "lost"):
            return state, words if state != "succeeded" else ""
        return "failed", words or f"the run was {state}"

    def ask_to_stop(self, why: str, now: float) -> None:
        """Ask it to stop; after a while its process is killed."""
        first = self.stopped_for is None
        self.stopped_for = why
        if self._run is None:
            return
        self._run.refresh()
        if first or not self._asked:
            # Its process may still be at its imports: then it is asked again.
            self._asked = now if ask_to_stop(self._run) else 0.0
        elif now - self._asked > STOPPING:
            with suppress(OSError):
                if self._run.pid > 1:
                    os.kill(self._run.pid, signal.SIGKILL)


def start(store: Store, known: Known, tick: Tick, launcher: Launcher, clock: Callable[[], float]) -> RunningTick | None:
    """Start the run of a tick that was claimed.

    Returns
    -------
    RunningTick or None
        None if the tick is another scheduler's by now.

    Raises
    ------
    CellmillError
        If what the schedule wants can't be run.
    OSError
        If its process can't be started.
    """
    run_id = new_run_id()
    moment = Moment(
        due=datetime.fromtimestamp(tick.due, known.settings.zone),
        run_id=run_id,
        schedule=known.name,
        pipeline=known.folder.name,
        last_success=_local(last_success(store, known.id), known),
        file=tick.file,
    )
    order, snapshot = order_of(known, moment, tick.runs)
    record = runs_folder(known.root) / run_id
    claimed = starting(store, tick, run_id, record, snapshot)
    if claimed is None:
        return None
    launcher.launch(order, record)
    now = clock()
    started(store, claimed, now)
    return RunningTick(known, claimed.begun(now))


def _local(at: float | None, known: Known) -> datetime | None:
    return datetime.fromtimestamp(at, known.settings.zone) if at is not None else None
