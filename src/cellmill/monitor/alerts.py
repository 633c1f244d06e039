"""Alerts of a scheduler: a listener that never blocks it, a thread that finds what to tell, a thread that sends."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cellmill.monitor.outbox import GROUP, MOST_AN_HOUR, Batch, Outbox
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
# How many times as long as a look took it is waited longer until the next one.
_SHARE = 100.0
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
        self._seen_to = threading.Event()
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
        watching = threading.Thread(target=self._watch, args=(known,), daemon=True, name="alerts")
        sending = threading.Thread(target=self._send, daemon=True, name="alerts sending")
        self._threads = [watching, sending]
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float = 15.0) -> None:
        """See to all that was heard and send what waits, for at most so many seconds; the rest stays in the store."""
        self._limit = time.monotonic() + seconds
        self._stop.set()
        self._heard.put(None)
        self._put.set()
        for thread in self._threads:
            thread.join(max(0.0, self._limit - time.monotonic()) + 1.0)

    def _watch(self, known: Callable[[], Mapping[str, Known]]) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        watch: Watch | None = None
        happening: Happening | None = None
        pause = 0.0
        while True:
            try:
                watch = watch or Watch(self._store, self._roots, known())
                watch.known = known()
                happening = happening or self._next()
                if happening is not None:
                    watch.take(happening)
                    self._put.set()
                elif self._stop.is_set():
                    break
                elif self._look(watch, self._clock()):
                    self._put.set()
                happening, pause = None, 0.0
            except SQLAlchemyError as error:
                # The store may come back: then what was heard is seen to.
                pause = self._wait_for_store(error, pause)
                if self._stop.is_set():
                    break
            except Exception:
                # What happens next is to be told all the same.
                happening = None
                logger.exception("An alert could not be made.")
        self._seen_to.set()
        self._put.set()

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
        due = [(name, look) for name, seconds, look in looks if self._is_time(name, seconds)]
        for name, look in due:
            begun = time.monotonic()
            look(now)
            # Of a store that has grown large it takes long; it must not become what the scheduler does all day.
            self._looked[name] += _SHARE * (time.monotonic() - begun)
        return bool(due)

    def _send(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        outbox: Outbox | None = None
        pause = 0.0
        while True:
            self._put.wait(_OUTBOX)
            self._put.clear()
            # Asked before the look: what came after the last one would be left.
            last = self._seen_to.is_set()
            try:
                outbox = outbox or Outbox(self._store)
                self._send_all(outbox)
                pause = 0.0
            except SQLAlchemyError as error:
                pause = self._wait_for_store(error, pause)
            except Exception:
                logger.exception("Alerts could not be sent.")
            if last or time.monotonic() > self._limit:
                return

    def _send_all(self, outbox: Outbox) -> None:
        now = self._clock()
        if self._is_time("tidy", _OLD):
            for destination, number in outbox.tidy(now):
                logger.error("%d alerts to $%s were given up after three days.", number, destination)
        here = {one for one in outbox.waiting(self._roots, now) if address_in(one) is not None}
        # At the end nothing more comes to be grouped.
        group = 0.0 if self._stop.is_set() else GROUP
        for destination in sorted(here):
            # One after the other: what was claimed and not sent would look as if this scheduler had died.
            if time.monotonic() > self._limit:
                return
            batch = outbox.claim(self._roots, destination, self._clock(), group)
            if batch is not None:
                self._send_one(outbox, batch)

    def _send_one(self, outbox: Outbox, batch: Batch) -> None:
        left = self._limit - time.monotonic()
        notes = []
        if batch.held_back:
            notes.append(f"(Held back: at most {MOST_AN_HOUR} messages an hour go to one address.)")
        if batch.repeated:
            notes.append("(You may have had this before: a scheduler died while it was sent.)")
        title, body = grouped(batch.messages, " ".join(notes))
        problem = send(batch.destination, title, body, batch.kind, timeout=max(2.0, min(TIMEOUT, left)))
        number = f"{len(batch.messages)} alert{'s' if len(batch.messages) > 1 else ''}"
        if problem is None:
            outbox.sent(batch, self._clock())
            logger.info("Sent %s to $%s: %s", number, batch.destination, title)
        elif given_up := outbox.not_sent(batch, problem, self._clock()):
            logger.error("%d alerts to $%s were given up (%s).", given_up, batch.destination, problem)
        else:
            logger.warning("%s to $%s could not be sent yet (%s).", number, batch.destination, problem)

    def _is_time(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._looked.get(what, -1e9) < seconds:
            return False
        self._looked[what] = now
        return True

    def _wait_for_store(self, error: Exception, pause: float) -> float:
        """Tell that the store can't be used, and wait; how long, to wait longer the next time."""
        pause = min(_LONGEST, 2 * pause or 1.0)
        logger.error("Alerts wait: the store %s can't be used (%s).", self._store.shown, reason(error))
        self._stop.wait(pause)
        return pause
