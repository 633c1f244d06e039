"""When a schedule is due, as Airflow's cron timetable says it; what that can't say is refused.

Airflow reads cron by croniter, a schedule here by cronsim. On the expressions that pass here, both give the same times
but on days on which clocks change; a test holds them against each other under a real Airflow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.durations import written
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.triggers import Cron, Every, next_times

_DAY, _HOUR, _MINUTE = 86400, 3600, 60
# `L` alone is the month's last day to both; croniter has no LW, and writes the last Friday in another way.
_LAST = re.compile(r"\d+L|L\d+|LW", re.I)


@dataclass(frozen=True)
class Timing:
    """What Airflow's ``CronTriggerTimetable`` takes: an expression of five fields and a time zone's name."""

    cron: str
    timezone: str


def airflow_timing(settings: ScheduleSettings) -> Timing:
    """When a schedule is due, in Airflow's words.

    Raises
    ------
    ValueError
        If Airflow can't say it; the reason with what to write instead.
    """
    if settings.on_file is not None:
        raise ValueError("Airflow has no on_file; give it a cron, or leave it to `cellmill scheduler`")
    if settings.after is not None:
        raise ValueError(
            "Airflow does not see the runs that `after` waits for; give it a cron, or leave it to `cellmill scheduler`"
        )
    if settings.timezone is None:
        raise ValueError("it names no timezone, and Airflow's machines may have another one; add timezone:")
    trigger = settings.trigger
    assert isinstance(trigger, Cron | Every)
    if isinstance(trigger, Every):
        return Timing(_every(trigger), "UTC")
    return Timing(_cron(trigger), settings.timezone)


def meets_clock_changes(settings: ScheduleSettings, now: datetime) -> datetime | None:
    """The first time in two years at which Airflow may be an hour off, as clocks change then; None without one.

    Parameters
    ----------
    now
        With a time zone.
    """
    trigger = settings.trigger
    if not isinstance(trigger, Cron) or trigger.plain.split()[1] == "*":
        # What runs in each hour follows the time that passes, with both.
        return None
    for at in clock_changes(now, now + timedelta(days=730), trigger.zone):
        for due in next_times(trigger, at - timedelta(hours=2), 200):
            if due >= at + timedelta(hours=1):
                break
            if due >= at - timedelta(hours=1):
                return due
    return None


def _cron(trigger: Cron) -> str:
    fields = trigger.plain.split()
    if len(fields) == 6:
        raise ValueError(f"Airflow has no seconds, as {trigger.expression!r} has them; write five fields")
    day, weekday = fields[2], fields[4]
    if _LAST.search(day) or _LAST.search(weekday):
        raise ValueError(
            f"Airflow's cron does not know the last weekday, as {trigger.expression!r} has it; write L (the month's "
            "last day), or MON#1 and the like"
        )
    if "*" not in (day, weekday) and (day.startswith("*") or weekday.startswith("*")):
        raise ValueError(
            f"Airflow joins the two day fields of {trigger.expression!r} with OR, cron with AND; write the days as "
            "numbers, or * in one of the fields"
        )
    return " ".join(fields)


def _every(trigger: Every) -> str:
    """The cron expression, on UTC's clock, of an interval that divides an hour, or is whole hours that divide a day."""
    seconds = int(trigger.seconds)
    origin = next_times(trigger, datetime(2000, 1, 3, tzinfo=UTC) - timedelta(seconds=1), 1)[0].astimezone(UTC)
    minute, hour = origin.minute, origin.hour
    if seconds == trigger.seconds and seconds % _MINUTE == 0 and _HOUR % seconds == 0:
        step = seconds // _MINUTE
        return f"{_stepped(minute % step, step, 60)} * * * *"
    if seconds == trigger.seconds and seconds % _HOUR == 0 and _DAY % seconds == 0:
        step = seconds // _HOUR
        return f"{minute} {_stepped(hour % step, step, 24)} * * *"
    raise ValueError(
        f"Airflow's cron can't say every {written(trigger.seconds)}, only minutes that divide an hour and hours that "
        "divide a day; write a cron"
    )


def _stepped(first: int, step: int, number: int) -> str:
    if step == 1:
        return "*"
    if step >= number:
        return str(first)
    return f"*/{step}" if first == 0 else f"{first}-{number - 1}/{step}"
