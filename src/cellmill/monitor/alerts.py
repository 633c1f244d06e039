"""Alerts of a scheduler: a listener that never blocks it, a thread that finds what to tell, a thread that sends."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cellmill.monitor.outbox import MOST_AN_HOUR, Batch, Outbox
from cellmill.monitor.sending import TIMEOUT, address_in, send
from cellmill.monitor.watch import Watch
from cellmill.monitor.words import grouped
from cellmill.schedule.declare import Known
from cellmill.schedule.happenings import Happening
from cellmill.schedule.store import Store, reason

logger = logging.getLogger("cellmill.scheduler.alerts")

# Seconds between two looks: at what waits to start, at the store, at service levels, at what waits to be sent, at
# what is old.
_QUEUE, _STORE, _LEVELS, _OUTBOX, _OLD = 2.0, 10.0, 60.0, 2.0, 3600.0
# The longest pause after the store could not be reached.
_LONGEST = 30.0


class Alerts:
    """Tells people what happens to the schedules of some projects.

    Parameters
    ----------
    store
        The schedulers' store.
    roots
        The projects.
    clock
        Gives the time, in seconds since the epoch.
    """

    def __init__(self, store: Store, roots: Sequence[Path], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._roots = [Path(root) for root in roots]
        self._clock = clock
        self._heard: queue.SimpleQueue[Happening | None] = queue.SimpleQueue()
        self._put = threading.Event()
        self._stop = threading.Event()
        self._limit = float("inf")
        self._threads: list[threading.Thread] = []
        self._looked: dict[str, float] = {}

    def listen(self, happening: Happening) -> None:
        """Take what a scheduler tells; returns at once."""
        if happening.tick is not None:
            self._heard.put(happening)

    def start(self, known: Callable[[], Mapping[str, Known]]) -> None:
        """Begin.

        Parameters
        ----------
        known
            Gives the schedules that the scheduler serves, by id.
        """
        for name, work in (("alerts", self._watch), ("alerts sending", self._send)):
            thread = threading.Thread(target=work, args=(known,), daemon=True, name=name)
            thread.start()
            self._threads.append(thread)

    def close(self, seconds: float = 15.0) -> None:
        """See to all that was heard and send what waits, for at most so many seconds; the rest stays in the store."""
        self._limit = time.monotonic() + seconds
        self._stop.set()
        self._heard.put(None)
        self._put.set()
        for thread in self._threads:
            thread.join(max(0.0, self._limit - time.monotonic()) + 1.0)

    def _watch(self, known: Callable[[], Mapping[str, Known]]) -> None:
        watch: Watch | None = None
        happening: Happening | None = None
        pause = 0.0
        while True:
            try:
                if watch is None:
                    watch = Watch(self._store, self._roots, known())
                watch.known = known()
                happening = self._next() if happening is None else happening
                if happening is not None:
                    watch.take(happening)
                    happening = None
                    self._put.set()
                elif self._stop.is_set():
                    break
                elif self._look(watch, self._clock()):
                    self._put.set()
                pause = 0.0
            except Exception as error:
                # Whatever it is, the next thing that happens is to be told.
                pause = self._troubled("Alerts", error, pause)
                if self._stop.is_set():
                    break
        self._watched()

    def _next(self) -> Happening | None:
        try:
            return self._heard.get(timeout=0.0 if self._stop.is_set() else 1.0)
        except queue.Empty:
            return None

    def _look(self, watch: Watch, now: float) -> bool:
        looks = (
            ("queue", _QUEUE, watch.look_at_queue),
            ("store", _STORE, watch.look_at_store),
            ("levels", _LEVELS, watch.look_at_levels),
            ("old", _OLD, watch.forget),
        )
        due = [look for name, seconds, look in looks if self._is_time(name, seconds)]
        for look in due:
            look(now)
        return bool(due)

    def _watched(self) -> None:
        """Let the other thread end: nothing more comes."""
        self._put.set()

    def _send(self, _: object) -> None:
        outbox: Outbox | None = None
        pause = 0.0
        while True:
            self._put.wait(_OUTBOX)
            self._put.clear()
            # Asked before it is looked: what comes after the last look would be left.
            last = self._stop.is_set() and not self._threads[0].is_alive()
            try:
                outbox = outbox or Outbox(self._store)
                self._send_all(outbox)
                pause = 0.0
            except Exception as error:
                pause = self._troubled("Alerts can't be sent", error, pause)
            if last or time.monotonic() > self._limit:
                return

    def _send_all(self, outbox: Outbox) -> None:
        now = self._clock()
        if self._is_time("tidy", _OLD):
            for destination, number in outbox.tidy(now):
                logger.error("%d alerts to $%s were given up after three days.", number, destination)
        here = {one for one in outbox.waiting(self._roots, now) if address_in(one) is not None}
        if not here:
            return
        # At the end nothing more comes to be grouped.
        batches = outbox.claim(self._roots, here, now, **({"group": 0.0} if self._stop.is_set() else {}))
        for batch in batches:
            self._send_one(outbox, batch)

    def _send_one(self, outbox: Outbox, batch: Batch) -> None:
        left = self._limit - time.monotonic()
        notes = []
        if batch.held_back:
            notes.append(f"(Held back: at most {MOST_AN_HOUR} messages an hour go to one address.)")
        if batch.repeated:
            notes.append("(You may have had this before: a scheduler died while it was sent.)")
        title, body = grouped(batch.messages, " ".join(notes))
        sent = send(batch.destination, title, body, batch.kind, timeout=max(2.0, min(TIMEOUT, left)))
        number = f"{len(batch.messages)} alert{'s' if len(batch.messages) > 1 else ''}"
        if sent.done:
            outbox.sent(batch, self._clock())
            logger.info("Sent %s to $%s: %s", number, batch.destination, title)
        elif outbox.not_sent(batch, sent.problem, self._clock()):
            logger.warning("%s could not be sent to $%s (%s).", number, batch.destination, sent.problem)
        else:
            logger.error("%s to $%s: given up after %d attempts (%s).", number, batch.destination, batch.attempts, sent.problem)

    def _is_time(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._looked.get(what, -1e9) < seconds:
            return False
        self._looked[what] = now
        return True

    def _troubled(self, what: str, error: Exception, pause: float) -> float:
        """Tell what went wrong, and wait; how long, to wait longer the next time."""
        from sqlalchemy.exc import SQLAlchemyError

        pause = min(_LONGEST, 2 * pause or 1.0)
        if isinstance(error, SQLAlchemyError):
            logger.error("%s: the store %s can't be used (%s).", what, self._store.shown, reason(error))
        else:
            logger.exception("%s: something went wrong.", what)
        self._stop.wait(pause)
        return pause
