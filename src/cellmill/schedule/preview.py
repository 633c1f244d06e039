"""What schedules would do: their next times on their own clocks, changes of clocks, collisions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

from cellmill.run.database import find_runs
from cellmill.run.words import duration
from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.declare import place_of
from cellmill.schedule.settings import Declared
from cellmill.schedule.triggers import Cron, Every

MOST = 2000
"""Times of one schedule that are looked at."""

# Runs of a pipeline that tell how long one usually takes.
_LAST = 10


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


def preview(
    declared: Sequence[Declared], begin: datetime, length: timedelta, usual: Mapping[Path, float] | None = None
) -> list[PreviewedTime]:
    """The times of some schedules within a span, in order.

    Parameters
    ----------
    usual
        Seconds that a run of a pipeline usually takes, by its folder: times that come sooner after another one of the
        same pipeline wait for it.
    """
    found: list[tuple[PreviewedTime, str]] = []
    # In UTC: by a zone's own clock a day may have 23 hours.
    begin = begin.astimezone(UTC)
    end = min(begin, datetime.max.replace(tzinfo=UTC) - length) + length
    for one in declared:
        trigger = one.settings.trigger
        if not one.settings.enabled or not isinstance(trigger, Cron | Every):
            continue
        before = begin
        for due in islice(takewhile(lambda time: time <= end, trigger.times(begin)), MOST):
            time = PreviewedTime(one.folder, one.name, due, clock_note(trigger, before, due))
            found.append((time, place_of(one.folder, one.settings)))
            before = due
    found.sort(key=lambda one: (one[0].due.timestamp(), str(one[0].folder), one[0].name))
    return _with_collisions(found, usual or {})


def usual_seconds(root: Path, folders: Iterable[Path]) -> dict[Path, float]:
    """What a run of each pipeline usually takes, in seconds: the median of its last ones that succeeded."""
    found = {}
    for folder in dict.fromkeys(folders):
        runs = find_runs(root, pipeline=folder, states=("succeeded",), limit=_LAST)
        if taken := [run["seconds"] for run in runs if run["kind"] == "run" and run["seconds"] is not None]:
            found[folder] = statistics.median(taken)
    return found


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


def _with_collisions(times: Sequence[tuple[PreviewedTime, str]], usual: Mapping[Path, float]) -> list[PreviewedTime]:
    """Note where one pipeline is due again before its run has ended: the later run waits for the earlier."""
    at_once: dict[tuple[str, float], list[PreviewedTime]] = {}
    for time, place in times:
        at_once.setdefault((place, time.due.timestamp()), []).append(time)
    noted: list[PreviewedTime] = []
    last: dict[str, PreviewedTime] = {}
    for time, place in times:
        others = [one.name for one in at_once[place, time.due.timestamp()] if one is not time]
        words = [time.note] if time.note else []
        before, lasts = last.get(place), usual.get(time.folder, 0.0)
        if others:
            words.append(f"at the same time as {', '.join(others)}")
        elif before is not None and (apart := time.due.timestamp() - before.due.timestamp()) < lasts:
            whose = "the one before" if before.name == time.name else before.name
            words.append(f"{duration(apart)} after {whose}, which usually takes {duration(lasts)}")
        noted.append(replace(time, note="; ".join(words)))
        last[place] = time
    return noted


def _offset(moment: datetime, zone: ZoneInfo | None = None) -> timedelta:
    return (moment.astimezone(zone) if zone is not None else moment).utcoffset() or timedelta()


def _hours(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours:g} h"
