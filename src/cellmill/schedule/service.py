"""The scheduler: notices what is due, starts it, follows it to its end, and takes over what another one left."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cellmill.errors import CellmillError
from cellmill.schedule.alarm import AlarmClock
from cellmill.schedule.causes import causes_of
from cellmill.schedule.claims import Limits, claim
from cellmill.schedule.declare import Known, known_schedule, known_schedules
from cellmill.schedule.due import put_causes, put_planned
from cellmill.schedule.happenings import Happening
from cellmill.schedule.keep import clean_up
from cellmill.schedule.launch import Launcher
from cellmill.schedule.members import BEAT, Membership
from cellmill.schedule.planner import next_due
from cellmill.schedule.reload import Reloader
from cellmill.schedule.runs import STOPPING, RunningTick, start
from cellmill.schedule.store import Store, reason
from cellmill.schedule.ticks import Tick, end, forget_old, owned, put_back, waiting_until
from cellmill.schedule.triggers import After, OnFile

logger = logging.getLogger("cellmill.scheduler")

# Seconds between two looks: at the store for what others put there, at runs, at files.
_LOOK = 1.0
_LOOK_AT_RUNS = 0.1
_LOOK_AT_FILES = 2.0
# Seconds before a time that what runs import is made ready.
_SOON = 20.0
# The longest pause after the store could not be reached.
_PATIENCE = 30.0
# Starts of a tick's process that may fail before anything is told.
_STARTS = 3
_LONGEST_DELAY = 3600.0
_HOUR = 3600.0
# Seconds for which the store knows what became of a time: longer than any service level looks back.
_REMEMBERED = 400 * 86400.0

Listener = Callable[[Happening], None]


@dataclass
class Scheduler:
    """One scheduler of a store. Everything but the alarm and the waiting for processes happens in one thread.

    Parameters
    ----------
    store
        What it shares with others.
    roots
        The projects whose schedules it serves.
    limits
        How many runs may go on at once.
    patience
        Seconds that runs may take to end when it is told to stop; what is left then is stopped and waits in the store.
    listeners
        Called with what happens, in order; they must not block.
    clock
        Gives the time, in seconds since the epoch.
    hosted
        Whether it is a Jupyter server's, which takes it back where another one serves.
    """

    store: Store
    roots: Sequence[Path]
    limits: Limits
    patience: float = 60.0
    listeners: Sequence[Listener] = ()
    clock: Callable[[], float] = time.time
    hosted: bool = False
    known: dict[str, Known] = field(default_factory=dict)
    running: dict[int, RunningTick] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._wake = threading.Event()
        self._stopping = False
        self._limit = float("inf")
        self._member = Membership(self.store, self.clock())
        self._alarm = AlarmClock(self._wake)
        self._reloader = Reloader(self.roots)
        self._launcher = Launcher()
        self._looked: dict[str, float] = {}
        self._changes: int | None = None
        self._next: dict[str, float | None] = {}

    @property
    def id(self) -> str:
        """Its id among the schedulers of the store."""
        return self._member.id

    def ask_to_stop(self, patience: float | None = None) -> None:
        """Let it take no more work, and :meth:`serve` end once nothing runs.

        May be called from a signal's handler or another thread, and again.

        Parameters
        ----------
        patience
            Instead of its own.
        """
        self._limit = time.monotonic() + (self.patience if patience is None else patience)
        # No event: its lock may be held by the very thread that the signal interrupts.
        self._stopping = True

    def serve(self) -> None:
        """Work until it is asked to stop.

        The store may go away for a while: nothing is lost by that, since what is due is found out from it.
        """
        from sqlalchemy.exc import SQLAlchemyError

        pause = 0.0
        self._alarm.start()
        try:
            while not self._stopping:
                try:
                    self.step()
                    pause = 0.0
                except SQLAlchemyError as error:
                    pause = min(_PATIENCE, 2 * pause or 1.0)
                    logger.error(
                        "The store %s can't be used (%s); again in %g s.", self.store.shown, reason(error), pause
                    )
                except Exception:
                    # Whatever it is, it must not stop the other schedules.
                    pause = min(_PATIENCE, 2 * pause or 1.0)
                    logger.exception("Something went wrong; again in %g s.", pause)
                self._wait(pause)
        finally:
            self._alarm.close()
            self._launcher.close()
            self._hand_back()

    def step(self) -> None:
        """Do all that is to be done now."""
        now = self.clock()
        if self._is_time("files", _LOOK_AT_FILES):
            self._reload(now)
            self._look_for_causes(now)
        if self._is_time("beat", BEAT):
            self._live(now)
        self._plan(now)
        self._warm(now)
        if self.running:
            self._follow(now)
        if self._is_time("queue", _LOOK):
            self._start(now)

    def _wait(self, pause: float) -> None:
        seconds = pause or (_LOOK_AT_RUNS if self.running else _LOOK)
        self._wake.wait(seconds)
        if self._wake.is_set():
            self._wake.clear()
            # Its time has come, or a run has ended and left room.
            self._looked.pop("queue", None)

    def _is_time(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._looked.get(what, -1e9) < seconds:
            return False
        self._looked[what] = now
        return True

    def _live(self, now: float) -> None:
        if not self._beat(now):
            # Taken for dead, and what it worked on with it: what goes on is another scheduler's now.
            logger.warning("This scheduler was taken for dead; it goes on as a new one.")
            self.running.clear()
            self._member.join(now)
        for dead in self._member.take_over():
            logger.warning("Took over from %s, which is gone.", dead)
        for tick in owned(self.store, self.id):
            if tick.id not in self.running:
                self._adopt(tick, now)
        self._alarm.look()
        if self._is_time("old", _HOUR):
            forget_old(self.store, now - _REMEMBERED)

    def _beat(self, now: float) -> bool:
        """Say that it lives; False if it was taken for dead."""
        told = {
            "running": len(self.running),
            "schedules": len(self.known),
            "roots": [str(one) for one in self.roots],
            "hosted": self.hosted,
        }
        return self._member.beat(now, told)

    def _reload(self, now: float) -> None:
        for changes in self._reloader.look(self.store, now):
            self._tell(changes)
        stored_changes = self.store.changes()
        if stored_changes == self._changes:
            return
        found = {one.id: one for one in known_schedules(self.store, self.roots)}
        if {one: (known.settings, known.active) for one, known in found.items()} != {
            one: (known.settings, known.active) for one, known in self.known.items()
        }:
            active = [one for one in found.values() if one.active]
            self._alarm.set_all(active)
            self._next = {one.id: next_due(one.settings, one.since) for one in active}
        self.known, self._changes = found, stored_changes

    def _plan(self, now: float) -> None:
        due = [self.known[one] for one, at in self._next.items() if at is not None and at <= now]
        if not due:
            return
        new = put_planned(self.store, due, now)
        self._next.update((one.id, next_due(one.settings, now)) for one in due)
        for tick in new:
            self._told(tick)
        if new:
            self._looked.pop("queue", None)

    def _warm(self, now: float) -> None:
        """Have ready what runs import when one is near; hold no memory for it else."""
        if self.limits.own and any(at is not None and at - now < _SOON for at in self._next.values()):
            self._launcher.prepare()
        else:
            self._launcher.rest()

    def _look_for_causes(self, now: float) -> None:
        for known in list(self.known.values()):
            if known.active and isinstance(known.settings.trigger, OnFile | After):
                causes, seen = causes_of(known, now)
                if causes or seen != known.seen:
                    for tick in put_causes(self.store, known, causes, now, seen):
                        self._told(tick)
                        self._looked.pop("queue", None)
                    self.known[known.id] = replace(known, seen=seen)

    def _start(self, now: float) -> None:
        first = waiting_until(self.store)
        if first is None or first > now:
            return
        for tick in claim(self.store, self.id, self.known, self.limits, now):
            known = self.known[tick.schedule_id]
            try:
                running = start(self.store, known, tick, self._launcher, self.clock)
            except (CellmillError, OSError) as error:
                words = str(error) if isinstance(error, CellmillError) else f"it can't be started ({error.strerror})"
                self._failed(known, tick, words, now, again=not isinstance(error, CellmillError))
                continue
            if running is not None:
                self.running[tick.id] = running
                self._tell(Happening("started", known, running.tick, self.clock()))

    def _adopt(self, tick: Tick, now: float) -> None:
        """Go on with a tick that this process did not start: its own after a restart of the machine, or another's."""
        known = self.known.get(tick.schedule_id) or known_schedule(self.store, tick.schedule_id)
        if known is None:
            end(self.store, tick, "lost", now, "its schedule is not in the store any more")
            return
        running = RunningTick(known, tick)
        if running.goes_on or running.was_begun:
            self.running[tick.id] = running
        else:
            self._not_begun(known, tick, now)

    def _not_begun(self, known: Known, tick: Tick, now: float) -> None:
        """Let a tick wait again of whose run nothing has happened: its scheduler or its process died too early."""
        if tick.starts >= _STARTS:
            end(self.store, tick, "lost", now, "its process ended before it told anything")
            self._tell(Happening("ended", known, tick, now, "lost", "its process ended before it told anything"))
        else:
            put_back(self.store, tick, now, "no scheduler had started it", counts=False)
            self._looked.pop("queue", None)

    def _follow(self, now: float) -> None:
        if self._is_time("cancelled", _LOOK):
            fresh = {tick.id: tick for tick in owned(self.store, self.id)}
            for one in [one for one in self.running if one not in fresh]:
                del self.running[one]  # another scheduler's by now
            for one, tick in fresh.items():
                if one in self.running:
                    self.running[one].tick = tick
        for running in list(self.running.values()):
            running.look()
            if running.goes_on:
                if why := running.tick.cancelled or running.overtime(now):
                    running.ask_to_stop(why, now)
                continue
            del self.running[running.tick.id]
            self._over(running, now)
            self._looked.pop("queue", None)

    def _over(self, running: RunningTick, now: float) -> None:
        known, tick = running.known, running.tick
        if not running.was_begun and running.stopped_for is None:
            self._not_begun(known, tick, now)
            return
        state, words = running.outcome()
        # Before the tick ends: the next run of the pipeline, which writes there too, can't start until then.
        running.keep()
        if state in ("failed", "lost") and not tick.cancelled and running.may_be_repeated:
            self._failed(known, tick, words, now, state=state, again=True, failure=running.failure)
        elif end(self.store, tick, state, now, words):
            self._tell(Happening("ended", known, tick, now, state, words, running.failure))
        clean_up(self.store, known, now)

    def _failed(
        self,
        known: Known,
        tick: Tick,
        words: str,
        now: float,
        *,
        again: bool,
        state: str = "failed",
        failure: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        if again and tick.attempt <= known.settings.retries:
            delay = min(_LONGEST_DELAY, known.settings.retry_delay * 2 ** (tick.attempt - 1))
            if put_back(self.store, tick, now + delay, words, counts=True):
                self._tell(Happening("retried", known, tick, now, state, words, failure))
            return
        if end(self.store, tick, state, now, words):
            self._tell(Happening("ended", known, tick, now, state, words, failure))

    def _hand_back(self) -> None:
        """Wait for what runs; what takes too long is stopped, and waits in the store for the next scheduler."""
        from sqlalchemy.exc import SQLAlchemyError

        told = False
        try:
            while self.running:
                if not told:
                    left = self._limit - time.monotonic()
                    bound = f" up to {max(0.0, left):.0f} s" if left < float("inf") else ""
                    logger.info("Waiting%s for %d runs.", bound, len(self.running))
                    told = True
                if self._is_time("beat", BEAT) and not self._beat(self.clock()):
                    self.running.clear()  # another scheduler's by now
                over = time.monotonic() > self._limit
                for running in list(self.running.values()):
                    running.look()
                    if running.goes_on:
                        if over:
                            running.ask_to_stop("the scheduler was stopped", self.clock())
                        continue
                    del self.running[running.tick.id]
                    if running.stopped_for == "the scheduler was stopped" and running.outcome()[0] == "stopped":
                        put_back(
                            self.store,
                            running.tick,
                            self.clock(),
                            "handed back by a scheduler that was stopped",
                            counts=False,
                        )
                    else:
                        self._over(running, self.clock())
                if time.monotonic() > self._limit + STOPPING:
                    break  # what does not even stop is found again by the next scheduler
                time.sleep(_LOOK_AT_RUNS)
            self._member.leave()
        except SQLAlchemyError as error:
            logger.error("The store %s can't be used (%s).", self.store.shown, reason(error))

    def _told(self, tick: Tick) -> None:
        known = self.known.get(tick.schedule_id)
        if known is not None:
            self._tell(Happening("put", known, tick, self.clock(), tick.state, tick.reason))

    def _tell(self, happening: Happening) -> None:
        for listener in self.listeners:
            try:
                listener(happening)
            except Exception:
                logger.exception("A listener failed.")
