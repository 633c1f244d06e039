"""The ticks of a store: made, claimed, ended, handed over. Each function is one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.schedule.declare import Known, readable
from cellmill.schedule.planner import PlannedTick, plan
from cellmill.schedule.store import ACTIVE, ENDED, Store, loaded

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Ticks of one schedule that may wait: a queue that only grows helps nobody.
MOST_QUEUED = 1000
# Rows that are asked for in one statement; databases bound the values in one.
_AT_ONCE = 400
_CANCELLED = "a later run of it was due (overlap: cancel_previous)"


@dataclass(frozen=True)
class Tick:
    """One time of a schedule, or one cause, and what became of it; times are seconds since the epoch.

    Attributes
    ----------
    cause
        ``time``, ``file``, ``after`` or ``hand``.
    due, until, count
        When it was due; of missed times that are told as one, until when and how many.
    state, reason
        One of the store's ``ACTIVE`` or ``ENDED``, and why it is so where that is not plain.
    attempt, starts
        Attempts that were begun, and how often its process was started.
    owner
        The scheduler that works on it.
    cancelled
        Why its run is to be stopped.
    run_id, record, runs
        The last attempt's run and its record, and the ids of all.
    """

    id: int
    schedule_id: str
    key: str
    cause: str
    due: float
    until: float | None
    count: int
    not_before: float
    state: str
    reason: str
    attempt: int
    starts: int
    owner: str | None
    cancelled: str | None
    file: str | None
    upstream: str | None
    run_id: str | None
    record: str | None
    runs: tuple[str, ...]
    snapshot: str | None
    claimed: float | None
    started: float | None
    ended: float | None

    @classmethod
    def of(cls, row: Any) -> Tick:
        """From a row of the store."""
        values = dict(row._mapping)
        return cls(**{**values, "runs": tuple(loaded(values["runs"], []))})

    def begun(self, at: float) -> Tick:
        """The same, with its process started."""
        return replace(self, started=at)


@dataclass(frozen=True)
class Cause:
    """Why a tick is due, where that is no time."""

    kind: str
    key: str
    at: float
    file: str | None = None
    upstream: str | None = None


@dataclass(frozen=True)
class Limits:
    """How many runs may go on at once.

    Attributes
    ----------
    own
        Of this scheduler.
    pools
        Of all schedulers of the store, by the pool's name.
    """

    own: int
    pools: Mapping[str, int]


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


def _of_plan(tick: PlannedTick, now: float) -> dict[str, Any]:
    names = ("key", "due", "until", "count", "not_before", "state", "reason")
    ended = now if tick.state == "missed" else None
    return {**{name: getattr(tick, name) for name in names}, "cause": "time", "ended": ended}


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


def claim(
    store: Store, owner: str, schedules: Mapping[str, Known], limits: Limits, now: float, most: int = 50
) -> list[Tick]:
    """Take ticks that may start now: the longest due first, one for each pipeline, within the limits.

    Parameters
    ----------
    schedules
        Those that this scheduler serves, by id.
    most
        How many to take.

    Returns
    -------
    list
        Now ``running`` and this scheduler's; nothing of them has been started.
    """
    from sqlalchemy import select, update

    table = store.table["ticks"]
    taken: list[Tick] = []
    with store.locked() as connection:
        running = [Tick.of(row) for row in connection.execute(select(table).where(table.c.state == "running"))]
        room = limits.own - sum(tick.owner == owner for tick in running)
        if room <= 0:
            return []
        names = _of_running(connection, store, running)
        busy = {place for place, _ in names.values()}
        used: dict[str, int] = {}
        for _, pool in names.values():
            used[pool] = used.get(pool, 0) + 1
        waiting = connection.execute(
            select(table).where(table.c.state == "queued", table.c.not_before <= now).order_by(table.c.due, table.c.id)
        )
        for row in waiting:
            known = schedules.get(row.schedule_id)
            if known is None or not (known.active or row.cause == "hand") or known.place in busy:
                continue
            pool = known.settings.pool
            if used.get(pool, 0) >= limits.pools.get(pool, 10**9):
                continue
            busy.add(known.place)
            used[pool] = used.get(pool, 0) + 1
            taken.append(Tick.of(row))
            if len(taken) >= min(room, most):
                break
        for place, tick in enumerate(taken):
            values: dict[str, Any] = {
                "state": "running",
                "owner": owner,
                "attempt": tick.attempt + 1,
                "claimed": now,
                "reason": "",
            }
            values.update(run_id=None, record=None, started=None, cancelled=None)
            connection.execute(update(table).where(table.c.id == tick.id).values(**values))
            taken[place] = replace(tick, **values)
    return taken


def _of_running(connection: Connection, store: Store, running: Sequence[Tick]) -> dict[str, tuple[str, str]]:
    """By the id of each schedule that runs what it writes to and its pool."""
    from sqlalchemy import select

    table = store.table["schedules"]
    ids = {tick.schedule_id for tick in running}
    rows = connection.execute(select(table).where(table.c.id.in_(ids)))
    return {one.id: (one.place, one.settings.pool) for one in readable(rows)}


def starting(store: Store, tick: Tick, run_id: str, record: Path, snapshot: str | None) -> Tick | None:
    """Write down which run a tick becomes, before anything of it is started; None if it is another owner's by now."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "record": str(record),
        "runs": json.dumps([*tick.runs, run_id]),
        "snapshot": snapshot,
        "starts": tick.starts + 1,
    }
    if not _change(store, tick, values):
        return None
    return replace(tick, **{**values, "runs": (*tick.runs, run_id)})


def started(store: Store, tick: Tick, at: float) -> None:
    """Write down when its process was started."""
    _change(store, tick, {"started": at})


def end(store: Store, tick: Tick, state: str, now: float, reason: str = "") -> bool:
    """End a tick that this scheduler owns; False if it is another's by now."""
    return _change(store, tick, {"state": state, "ended": now, "reason": reason, "owner": None})


def put_back(store: Store, tick: Tick, not_before: float, reason: str, *, counts: bool) -> bool:
    """Let a tick wait again: for another attempt, or because nothing of this one has happened."""
    values: dict[str, Any] = {"state": "queued", "not_before": not_before, "reason": reason, "owner": None}
    if not counts:
        values["attempt"] = max(0, tick.attempt - 1)
    return _change(store, tick, values)


def _change(store: Store, tick: Tick, values: Mapping[str, Any]) -> bool:
    from sqlalchemy import update

    table = store.table["ticks"]
    with store.locked() as connection:
        done = connection.execute(
            update(table)
            .where(table.c.id == tick.id, table.c.state == "running", table.c.owner == tick.owner)
            .values(**values)
        )
    return bool(done.rowcount)


def owned(store: Store, owner: str) -> list[Tick]:
    """The ticks that a scheduler works on."""
    from sqlalchemy import select

    table = store.table["ticks"]
    with store.reading() as connection:
        return [
            Tick.of(row)
            for row in connection.execute(select(table).where(table.c.state == "running", table.c.owner == owner))
        ]


def last_success(store: Store, schedule: str) -> float | None:
    """When the last run of a schedule that succeeded was due; None before the first one."""
    from sqlalchemy import func, select

    table = store.table["ticks"]
    with store.reading() as connection:
        found = connection.scalar(
            select(func.max(table.c.due)).where(table.c.schedule_id == schedule, table.c.state == "succeeded")
        )
    return float(found) if found is not None else None


def waiting_until(store: Store) -> float | None:
    """When the first of the ticks that wait may start; None if none waits."""
    from sqlalchemy import func, select

    table = store.table["ticks"]
    with store.reading() as connection:
        found = connection.scalar(select(func.min(table.c.not_before)).where(table.c.state == "queued"))
    return float(found) if found is not None else None


def ticks_of(store: Store, schedules: Sequence[str], limit: int = 50, states: Sequence[str] = ()) -> list[Tick]:
    """The last ticks of some schedules, the latest due first."""
    from sqlalchemy import select

    table = store.table["ticks"]
    query = select(table).where(table.c.schedule_id.in_(list(schedules)))
    if states:
        query = query.where(table.c.state.in_(list(states)))
    with store.reading() as connection:
        rows = connection.execute(query.order_by(table.c.due.desc(), table.c.id.desc()).limit(limit))
        return [Tick.of(row) for row in rows]


def forget_old(store: Store, before: float) -> int:
    """Take away what ended before a moment, but each schedule's last success; how many ticks that were."""
    from sqlalchemy import delete, func, select

    table = store.table["ticks"]
    last = (
        select(func.max(table.c.id)).where(table.c.state == "succeeded").group_by(table.c.schedule_id).scalar_subquery()
    )
    with store.locked() as connection:
        done = connection.execute(
            delete(table).where(table.c.state.in_(ENDED), table.c.ended < before, table.c.id.not_in(last))
        )
    return int(done.rowcount)
