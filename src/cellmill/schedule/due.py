"""Writes what is due into a store: times, and other causes. Each function is one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellmill.schedule.declare import Known, readable
from cellmill.schedule.planner import PlannedTick, plan
from cellmill.schedule.store import ACTIVE, Store
from cellmill.schedule.ticks import Tick

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Ticks of one schedule that may wait: a queue that only grows helps nobody.
MOST_QUEUED = 1000
# Rows that are asked for in one statement; databases bound the values in one.
_AT_ONCE = 400
_CANCELLED = "a later run of it was due (overlap: cancel_previous)"


@dataclass(frozen=True)
class Cause:
    """Why a tick is due, where that is no time."""

    kind: str
    key: str
    at: float
    file: str | None = None
    upstream: str | None = None


def put_planned(store: Store, schedules: Sequence[Known], now: float) -> list[Tick]:
    """Write the ticks of all times that have come since the last call, by whichever scheduler; each is written once.

    What is due is found out inside the transaction, from the moment up to which the store says it has been seen to:
    so two schedulers never decide on the same times.

    Returns
    -------
    list
        Those that are new.
    """
    from sqlalchemy import select, update

    table, stored = store.table["ticks"], store.table["schedules"]
    with store.locked() as connection:
        query = select(stored).where(stored.c.id.in_([one.id for one in schedules]), stored.c.removed.is_(False))
        # As they are now: one may have been paused or changed, or another scheduler has been here.
        fresh = [one for one in readable(connection.execute(query)) if one.active and one.since < now]
        due = [(known, tick) for known in fresh for tick in plan(known.id, known.settings, known.since, now)]
        new = _put(connection, table, [(known, _of_plan(tick, now)) for known, tick in due], now)
        seen_to = {known.id for known, _ in due}
        connection.execute(update(stored).where(stored.c.id.in_(seen_to)).values(since=now))
    return new


def put_causes(store: Store, known: Known, causes: Iterable[Cause], now: float, seen: object = None) -> list[Tick]:
    """Write ticks that are due for another cause than a time; a cause that has been seen to is left.

    Parameters
    ----------
    seen
        What of the files is seen to with that, JSON-ready.
    """
    from sqlalchemy import update

    table, schedules = store.table["ticks"], store.table["schedules"]
    values = [
        {
            "key": cause.key[:200],
            "cause": cause.kind,
            "due": cause.at,
            "not_before": cause.at,
            "state": "queued",
            "file": cause.file,
            "upstream": cause.upstream,
        }
        for cause in causes
    ]
    with store.locked() as connection:
        new = _put(connection, table, [(known, one) for one in values], now)
        if seen is not None:
            connection.execute(update(schedules).where(schedules.c.id == known.id).values(seen=json.dumps(seen)))
    return new


def _of_plan(tick: PlannedTick, now: float) -> dict[str, Any]:
    names = ("key", "due", "until", "count", "not_before", "state", "reason")
    ended = now if tick.state == "missed" else None
    return {**{name: getattr(tick, name) for name in names}, "cause": "time", "ended": ended}


def _put(connection: Connection, table: Any, entries: Sequence[tuple[Known, dict[str, Any]]], now: float) -> list[Tick]:
    """Write ticks as their schedules' overlap says; those whose key is there already are left."""
    from sqlalchemy import insert

    there = _present(connection, table, entries)
    active = _active(connection, table, {known.id for known, _ in entries})
    rows: list[dict[str, Any]] = []
    for known, values in entries:
        key = (known.id, values["key"])
        if key in there:
            continue
        there.add(key)
        row = {"until": None, "count": 1, "reason": "", "ended": None, "file": None, "upstream": None, **values}
        if row["state"] == "queued":
            if known.settings.overlap == "cancel_previous":
                for earlier in (one for one in rows if one["schedule_id"] == known.id and one["state"] == "queued"):
                    earlier.update(state="skipped", reason=_CANCELLED, ended=now)
            _overlapping(connection, table, known, row, active[known.id], now)
            active[known.id] += row["state"] == "queued"
        rows.append({"schedule_id": known.id, **row})
    if not rows:
        return []
    made = connection.execute(insert(table).returning(table, sort_by_parameter_order=True), rows)
    return [Tick.of(row) for row in made]


def _present(
    connection: Connection, table: Any, entries: Sequence[tuple[Known, dict[str, Any]]]
) -> set[tuple[str, str]]:
    """Which of the keys are in the store."""
    from sqlalchemy import select

    found: set[tuple[str, str]] = set()
    for begin in range(0, len(entries), _AT_ONCE):
        part = entries[begin : begin + _AT_ONCE]
        ids, keys = {known.id for known, _ in part}, {values["key"] for _, values in part}
        query = select(table.c.schedule_id, table.c.key).where(table.c.schedule_id.in_(ids), table.c.key.in_(keys))
        found.update((one, key) for one, key in connection.execute(query))
    return found


def _active(connection: Connection, table: Any, ids: set[str]) -> Counter[str]:
    """How many ticks of each schedule wait or run."""
    from sqlalchemy import func, select

    query = select(table.c.schedule_id, func.count()).where(table.c.state.in_(ACTIVE)).group_by(table.c.schedule_id)
    return Counter({one: number for one, number in connection.execute(query) if one in ids})


def _overlapping(
    connection: Connection, table: Any, known: Known, row: dict[str, Any], number: int, now: float
) -> None:
    """Do what the schedule's overlap says of a tick that is due while ``number`` earlier ones have not ended."""
    from sqlalchemy import update

    overlap = known.settings.overlap
    if number and overlap == "skip" and row["cause"] != "hand":
        row.update(state="skipped", reason="an earlier run of it had not ended (overlap: skip)", ended=now)
    elif number >= MOST_QUEUED:
        row.update(state="skipped", reason=f"{number} earlier runs of it wait", ended=now)
    elif number and overlap == "cancel_previous":
        of_it = table.c.schedule_id == known.id
        waiting = update(table).where(of_it, table.c.state == "queued")
        connection.execute(waiting.values(state="skipped", reason=_CANCELLED, ended=now))
        connection.execute(update(table).where(of_it, table.c.state == "running").values(cancelled=_CANCELLED))
