"""Counts what became of ticks, for service levels, status and metrics. Each function is one query or a few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellmill.monitor.levels import BAD, DAY, GOOD, Events, Levels
from cellmill.monitor.slo import SloSettings
from cellmill.run.database import find_runs
from cellmill.schedule.store import Store

# Runs by hand that are looked through for a good product; sweeps and verifications may stand between.
_LAST = 50


@dataclass(frozen=True)
class Streak:
    """The failures of a schedule since its last success.

    Attributes
    ----------
    since
        When the first of them ended, in seconds since the epoch.
    count
        How many there are.
    first, last
        The ids of the first and of the last one's tick.
    """

    since: float
    count: int
    first: int
    last: int


def schedules_of(store: Store, root: Path) -> dict[Path, list[str]]:
    """By folder the ids of all schedules of a project; of those that were taken away too: their runs were runs."""
    from sqlalchemy import select

    table = store.table["schedules"]
    found: dict[Path, list[str]] = {}
    with store.reading() as connection:
        for row in connection.execute(select(table.c.folder, table.c.id).where(table.c.root == str(root))):
            found.setdefault(Path(row.folder), []).append(row.id)
    return found


def events_since(store: Store, since: float) -> dict[str, Events]:
    """By schedule the events that ended since a moment (seconds since the epoch)."""
    from sqlalchemy import func, select

    table = store.table["ticks"]
    query = (
        select(table.c.schedule_id, table.c.state, func.sum(table.c.count))
        .where(table.c.state.in_([*GOOD, *BAD]), table.c.ended >= since)
        .group_by(table.c.schedule_id, table.c.state)
    )
    found: dict[str, Events] = {}
    with store.reading() as connection:
        for schedule, state, number in connection.execute(query):
            new = Events(good=int(number)) if state in GOOD else Events(bad=int(number))
            found[schedule] = found.get(schedule, Events()) + new
    return found


def last_successes(store: Store) -> dict[str, float]:
    """By schedule when its last run that succeeded ended, in seconds since the epoch."""
    from sqlalchemy import func, select

    table = store.table["ticks"]
    query = select(table.c.schedule_id, func.max(table.c.ended)).where(table.c.state.in_(GOOD))
    with store.reading() as connection:
        return dict(connection.execute(query.group_by(table.c.schedule_id)).all())


def first_dues(store: Store, schedules: Sequence[str]) -> dict[str, float]:
    """Of some schedules, when the first tick that was not skipped was due, in seconds since the epoch."""
    from sqlalchemy import func, select

    table = store.table["ticks"]
    query = (
        select(table.c.schedule_id, func.min(table.c.due))
        .where(table.c.schedule_id.in_(list(schedules)), table.c.state != "skipped")
        .group_by(table.c.schedule_id)
    )
    with store.reading() as connection:
        return dict(connection.execute(query).all())


def streaks(store: Store, schedules: Sequence[str] | None = None) -> dict[str, Streak]:
    """By schedule its failures since its last success, of those that have any."""
    from sqlalchemy import func, or_, select

    table = store.table["ticks"]
    good = table.alias()
    last = (
        select(good.c.schedule_id, func.max(good.c.ended).label("at"))
        .where(good.c.state.in_(GOOD))
        .group_by(good.c.schedule_id)
        .subquery()
    )
    query = (
        select(table.c.schedule_id, func.min(table.c.ended), func.count(), func.min(table.c.id), func.max(table.c.id))
        .select_from(table.outerjoin(last, last.c.schedule_id == table.c.schedule_id))
        .where(table.c.state.in_(("failed", "lost")), or_(last.c.at.is_(None), table.c.ended > last.c.at))
        .group_by(table.c.schedule_id)
    )
    if schedules is not None:
        query = query.where(table.c.schedule_id.in_(list(schedules)))
    with store.reading() as connection:
        return {one: Streak(*rest) for one, *rest in connection.execute(query)}


def last_by_hand(root: Path, folder: Path) -> float | None:
    """When the last run that somebody started by hand and that made a whole good product ended."""
    for run in find_runs(root, pipeline=folder, states=("succeeded",), limit=_LAST):
        # Of a run with --only or --from the rest may be as old as it likes.
        whole = all(task["state"] in ("done", "up-to-date") for task in run["tasks"])
        if run["kind"] == "run" and run["source"] != "schedule" and whole and run["ended_at"]:
            return float(run["ended_at"])
    return None


def levels_of(
    store: Store,
    root: Path,
    promised: Mapping[Path, SloSettings],
    now: float,
    by_hand: Callable[[Path, Path], float | None] = last_by_hand,
) -> dict[Path, Levels]:
    """The service levels of some pipelines of a project.

    Parameters
    ----------
    promised
        What each folder promises.
    now
        Seconds since the epoch.
    """
    if not promised:
        return {}
    own = schedules_of(store, root)
    counted = {
        window: events_since(store, now - window) for window in {one.window for one in promised.values()} | {DAY}
    }
    good = last_successes(store)
    first = first_dues(store, [one for folder in promised for one in own.get(folder, []) if one not in good])
    found = {}
    for folder, settings in promised.items():
        ids = own.get(folder, [])
        times = [good[one] for one in ids if one in good]
        hand = by_hand(root, folder) if settings.freshness is not None else None
        last = max([*times, *([hand] if hand is not None else [])], default=None)
        begun = last if last is not None else min((first[one] for one in ids if one in first), default=None)
        found[folder] = Levels(
            settings,
            _sum(counted[settings.window], ids),
            _sum(counted[DAY], ids),
            last,
            max(0.0, now - begun) if begun is not None else None,
        )
    return found


def _sum(counted: Mapping[str, Events], ids: Sequence[str]) -> Events:
    return sum((counted.get(one, Events()) for one in ids), Events())
