"""What schedules would do: their next times on their own clocks, changes of clocks, collisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.settings import Declared
from cellmill.schedule.triggers import Cron, Every

MOST = 2000
"""Times of one schedule that are looked at."""


@dataclass(frozen=True)
class PreviewedTime:
    """One time of a schedule.

    Attributes
    ----------
    due
        On the schedule's own clock.
    note
        What is special about it: a change of clocks before it, another run of the pipeline at the same time.
    """

    folder: Path
    name: str
    due: datetime
    note: str = ""

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {
            "pipeline": self.folder.name,
            "schedule": self.name,
            "due": self.due.isoformat(),
            "zone": str(self.due.tzinfo),
            "note": self.note,
        }


def preview(declared: Sequence[Declared], begin: datetime, length: timedelta) -> list[PreviewedTime]:
    """The times of some schedules within a span, in order."""
    found: list[PreviewedTime] = []
    for one in declared:
        trigger = one.settings.trigger
        if not one.settings.enabled or not isinstance(trigger, Cron | Every):
            continue
        before = begin
        for number, due in enumerate(takewhile(lambda time: time <= begin + length, trigger.times(begin))):
            if number >= MOST:
                break
            found.append(PreviewedTime(one.folder, one.name, due, clock_note(trigger, before, due)))
            before = due
    found.sort(key=lambda time: (time.due.timestamp(), str(time.folder), time.name))
    return _with_collisions(found)


def clock_note(trigger: Cron | Every, before: datetime, due: datetime) -> str:
    """What a change of clocks since the time before did to this one, in words; empty if nothing."""
    shift = _offset(due) - _offset(before, trigger.zone)
    if not shift:
        return ""
    change = list(clock_changes(before, due, trigger.zone))
    how = f"{'forward' if shift > timedelta() else 'back'} {_hours(abs(shift))}"
    return (
        f"clocks went {how} at {change[-1].astimezone(trigger.zone):%Y-%m-%d %H:%M}" if change else f"clocks went {how}"
    )


def _with_collisions(times: list[PreviewedTime]) -> list[PreviewedTime]:
    """Note where one pipeline is due twice at the same moment: the second run waits for the first."""
    at_once: dict[tuple[Path, float], list[PreviewedTime]] = {}
    for time in times:
        at_once.setdefault((time.folder, time.due.timestamp()), []).append(time)
    noted = []
    for time in times:
        others = [one.name for one in at_once[time.folder, time.due.timestamp()] if one is not time]
        words = [time.note] if time.note else []
        words += [f"at the same time as {', '.join(others)}"] if others else []
        noted.append(PreviewedTime(time.folder, time.name, time.due, "; ".join(words)))
    return noted


def _offset(moment: datetime, zone: ZoneInfo | None = None) -> timedelta:
    return (moment.astimezone(zone) if zone is not None else moment).utcoffset() or timedelta()


def _hours(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours:g} h"
