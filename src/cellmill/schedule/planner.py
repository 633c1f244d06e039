"""Decides what becomes of the times of a schedule that have come: pure functions of times and policies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from cellmill.schedule.counting import last_times, number_of_times, times_between
from cellmill.schedule.durations import written
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.triggers import Cron, Every

MOST_MISSED = 1000
"""Missed times that ``misfire: all`` runs; older ones are told as missed."""


@dataclass(frozen=True)
class PlannedTick:
    """One time of a schedule and what becomes of it.

    Attributes
    ----------
    due, until
        Seconds since the epoch; a range of missed times has its last one in ``until``.
    count
        How many times of the schedule it stands for.
    state
        ``queued`` for one that is to run, ``missed`` for those that are not.
    not_before
        When it may start: ``due`` and the jitter.
    """

    due: float
    state: Literal["queued", "missed"]
    not_before: float
    reason: str = ""
    until: float | None = None
    count: int = 1

    @property
    def key(self) -> str:
        """What no two ticks of a schedule share."""
        return f"{'' if self.state == 'queued' else 'missed '}{self.due:.3f}"


def plan(schedule_id: str, settings: ScheduleSettings, since: float, now: float) -> list[PlannedTick]:
    """What becomes of the times later than ``since`` and not later than ``now``.

    Parameters
    ----------
    schedule_id
        Whose they are; the jitter hangs on it.
    since, now
        Seconds since the epoch.

    Returns
    -------
    list
        In the order of their times; empty of a schedule that waits for something else than a time.
    """
    trigger = settings.trigger
    if not isinstance(trigger, Cron | Every) or now <= since:
        return []
    on_time = last_times(trigger, max(since, math.nextafter(now - settings.grace, 0)), now, MOST_MISSED)
    late_until = math.nextafter(on_time[0], 0) if on_time else now
    number = number_of_times(trigger, since, late_until)
    run: list[float] = []
    if settings.misfire == "all":
        run = last_times(trigger, since, late_until, MOST_MISSED)
    elif settings.misfire == "once" and number and not on_time:
        run = last_times(trigger, since, late_until, 1)
    planned = []
    if left := number - len(run):
        until = math.nextafter(run[0], 0) if run else late_until
        first, last = next(times_between(trigger, since, until)), last_times(trigger, since, until, 1)[0]
        why = _why(settings, len(run) + len(on_time))
        planned.append(PlannedTick(first, "missed", first, why, until=last, count=left))
    return planned + [PlannedTick(due, "queued", due + jitter(schedule_id, settings, due)) for due in [*run, *on_time]]


def jitter(schedule_id: str, settings: ScheduleSettings, due: float) -> float:
    """Seconds that a time is put off: the same whoever asks, so that no two schedulers disagree."""
    if not settings.jitter:
        return 0.0
    digest = blake2b(f"{schedule_id} {due:.3f}".encode(), digest_size=8).digest()
    return settings.jitter * int.from_bytes(digest) / 2**64


def next_due(settings: ScheduleSettings, after: float) -> float | None:
    """The next time after a moment; None of a schedule that waits for something else, or whose times have ended."""
    trigger = settings.trigger
    if not isinstance(trigger, Cron | Every):
        return None
    return next(times_between(trigger, after, math.inf), None)


def _why(settings: ScheduleSettings, running: int) -> str:
    if running >= MOST_MISSED:
        return f"no scheduler ran; the last {running} times are run"
    late = f"no scheduler ran within {written(settings.grace)}"
    if settings.misfire == "once" and running:
        return f"{late}; misfire: once runs the last time only"
    return f"{late}; misfire: skip runs none"
