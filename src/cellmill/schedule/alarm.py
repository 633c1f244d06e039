"""Wakes the scheduler when a time has come: APScheduler with triggers of ours, one job a schedule.

APScheduler keeps the jobs in memory only. What is due is decided from the store, where several schedulers agree on
it; a store of APScheduler's own must not be shared by two of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cellmill.schedule.declare import Known
from cellmill.schedule.triggers import Cron, Every

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler


class AlarmClock:
    """Wakes who waits when the time of a schedule has come.

    Parameters
    ----------
    wake
        Set when there is something to do.
    """

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._clock = _clock(self._ring)

    def start(self) -> None:
        """Begin to wait for times."""
        self._clock.start()

    def close(self) -> None:
        """End."""
        self._clock.shutdown(wait=False)

    def set_all(self, known: Iterable[Known]) -> None:
        """Wait for the times of these schedules, and of no others."""
        self._clock.remove_all_jobs()
        for one in known:
            trigger = one.settings.trigger
            if isinstance(trigger, Cron | Every):
                self._clock.add_job(
                    _nothing, _trigger(trigger), id=one.id, name=one.label, executor="due", coalesce=True
                )

    def look(self) -> None:
        """Look at the clock now: it may have been changed, or the machine was suspended."""
        if self._clock.running:
            self._clock.wakeup()

    def _ring(self) -> None:
        self._wake.set()


def _nothing() -> None:
    """What APScheduler calls a job; it is never called."""


def _clock(ring: Any) -> BackgroundScheduler:
    import logging

    from apscheduler.executors.base import BaseExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    class _Due(BaseExecutor):  # type: ignore[misc] # APScheduler is untyped
        """Takes jobs that are due, in APScheduler's own thread: what is done with them is others' work."""

        def _do_submit_job(self, job: Any, run_times: Any) -> None:  # noqa: ARG002 - its signature
            ring()

        def submit_job(self, job: Any, run_times: Any) -> None:
            # Nothing runs here that would have to be counted.
            self._do_submit_job(job, run_times)

    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return BackgroundScheduler(executors={"due": _Due()}, timezone=UTC, daemon=True)


def _trigger(trigger: Cron | Every) -> Any:
    from apscheduler.triggers.base import BaseTrigger

    class _Times(BaseTrigger):  # type: ignore[misc] # APScheduler is untyped
        """Our times, as APScheduler asks for them. Those that have passed are not asked for: the planner finds them."""

        def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:  # noqa: ARG002
            return next(trigger.times(now), None)

        def __str__(self) -> str:
            return trigger.words()

    return _Times()
