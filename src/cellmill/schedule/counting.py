"""Counts the times of a long span without going through each: a machine may have been off for months."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import floor

from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.triggers import Cron, Every

_HOUR = 3600.0
# Hours beside a change of clocks that are gone through time by time.
_NEAR = timedelta(hours=4)


def times_between(trigger: Cron | Every, after: float, until: float) -> Iterator[float]:
    """The times later than ``after`` and not later than ``until``, all in seconds since the epoch."""
    # Rounded up, a moment just before a time would be that time, which then is lost.
    begin = datetime.fromtimestamp(int(after), UTC) + timedelta(microseconds=int(after % 1 * 1e6))
    for moment in trigger.times(begin):
        due = moment.timestamp()
        if due > until:
            return
        if due > after:
            yield due


def number_of_times(trigger: Cron | Every, after: float, until: float) -> int:
    """How many times are later than ``after`` and not later than ``until``, in seconds since the epoch."""
    if until <= after:
        return 0
    if isinstance(trigger, Every) and (whole := int((until - after) / trigger.seconds) - 2) > 0:
        first = next(times_between(trigger, after, until))
        return whole + sum(1 for _ in times_between(trigger, first + (whole - 0.5) * trigger.seconds, until))
    if not isinstance(trigger, Cron) or trigger.in_an_hour == 1:
        return sum(1 for _ in times_between(trigger, after, until))
    number, at = 0, after
    begin, end = datetime.fromtimestamp(after, UTC), datetime.fromtimestamp(until, UTC)
    for change in clock_changes(begin - _NEAR, end + _NEAR, trigger.zone):
        quiet = max(at, min((change - _NEAR).timestamp(), until))
        loud = max(quiet, min((change + _NEAR).timestamp(), until))
        number += _by_hours(trigger, at, quiet) + sum(1 for _ in times_between(trigger, quiet, loud))
        at = loud
    return number + _by_hours(trigger, at, until)


def last_times(trigger: Cron | Every, after: float, until: float, most: int) -> list[float]:
    """The last of the times later than ``after`` and not later than ``until``, in order, at most so many."""
    span = most * 60.0
    while True:
        begin = max(after, until - span)
        found = list(times_between(trigger, begin, until))
        if len(found) >= most or begin == after:
            return found[-most:]
        span *= 4


def _by_hours(trigger: Cron, after: float, until: float) -> int:
    """Of a span in which the clock does not change: each whole hour has as many times as the next, or none."""
    offset = (datetime.fromtimestamp(after, trigger.zone).utcoffset() or timedelta()).total_seconds()
    first = (floor((after + offset) / _HOUR) + 1) * _HOUR - offset
    if first + _HOUR > until:
        return sum(1 for _ in times_between(trigger, after, until))
    # Times are whole seconds.
    number, at = sum(1 for _ in times_between(trigger, after, first - 0.5)), first
    while at + _HOUR <= until:
        number += trigger.in_an_hour * trigger.has_hour(datetime.fromtimestamp(at, trigger.zone))
        at += _HOUR
    return number + sum(1 for _ in times_between(trigger, at - 0.5, until))
