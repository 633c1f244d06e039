"""The ticks of a store: made, claimed, ended, handed over. Each function is one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.schedule.declare import Known, readable
from cellmill.schedule.planner import plan
from cellmill.schedule.store import ACTIVE, Store, loaded

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Ticks of one schedule that may wait: a queue that only grows helps nobody.
MOST_QUEUED = 1000


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
    new: list[Tick] = []
    with store.locked() as connection:
        query = select(stored).where(stored.c.id.in_([one.id for one in schedules]), stored.c.removed.is_(False))
        for known in readable(connection.execute(query)):
            # As it is now: it may have been paused or changed, or another scheduler has been here.
            if not known.active or known.since >= now:
                continue
            for tick in plan(known.id, known.settings, known.since, now):
                values = {
                    "key": tick.key,
                    "cause": "time",
                    "due": tick.due,
                    "until": tick.until,
                    "count": tick.count,
                    "not_before": tick.not_before,
                    "state": tick.state,
                    "reason": tick.reason,
                    "ended": now if tick.state == "missed" else None,
                }
                new += _put(connection, table, known, values, now)
                connection.execute(update(stored).where(stored.c.id == known.id).values(since=now))
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
    new: list[Tick] = []
    with store.locked() as connection:
        for cause in causes:
            values = {
                "key": cause.key[:200],
                "cause": cause.kind,
                "due": cause.at,
                "not_before": cause.at,
                "state": "queued",
                "file": cause.file,
                "upstream": cause.upstream,
            }
            new += _put(connection, table, known, values, now)
        if seen is not None:
            connection.execute(update(schedules).where(schedules.c.id == known.id).values(seen=json.dumps(seen)))
    return new


def _put(connection: Connection, table: Any, known: Known, values: dict[str, Any], now: float) -> list[Tick]:
    """Write one tick as the schedule's overlap says, if there is none with its key."""
    from sqlalchemy import func, insert, select, update

    if connection.scalar(select(table.c.id).where(table.c.schedule_id == known.id, table.c.key == values["key"])):
        return []
    if values["state"] == "queued":
        active = [table.c.schedule_id == known.id, table.c.state.in_(ACTIVE)]
        number = connection.scalar(select(func.count()).select_from(table).where(*active)) or 0
        overlap = known.settings.overlap
        if number and overlap == "skip" and values["cause"] != "hand":
            values.update(state="skipped", reason="an earlier run of it had not ended (overlap: skip)", ended=now)
        elif number > MOST_QUEUED:
            values.update(state="skipped", reason=f"{MOST_QUEUED} earlier runs of it wait", ended=now)
        elif number and overlap == "cancel_previous":
            words = "a later run of it was due (overlap: cancel_previous)"
            waiting = [*active[:1], table.c.state == "queued"]
            connection.execute(update(table).where(*waiting).values(state="skipped", reason=words, ended=now))
            running = [*active[:1], table.c.state == "running"]
            connection.execute(update(table).where(*running).values(cancelled=words))
    made = connection.execute(insert(table).values(schedule_id=known.id, **values).returning(table))
    return [Tick.of(made.one())]


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
    return {one.id: (one.place, one.settings.pool) for one in map(Known.of, rows)}


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


def pause_schedule(store: Store, known: Known, now: float) -> bool:  # noqa: ARG001 - as its counterpart
    """Let a schedule be due no more until it is resumed; False if it is paused."""
    from sqlalchemy import update

    table = store.table["schedules"]
    with store.locked() as connection:
        done = connection.execute(
            update(table).where(table.c.id == known.id, table.c.paused.is_(False)).values(paused=True)
        )
    return bool(done.rowcount)


def resume_schedule(store: Store, known: Known, now: float) -> bool:
    """Let a paused schedule be due again, from now on; False if it is not paused.

    The times that came while it was paused are written down as one tick that was skipped.
    """
    from sqlalchemy import insert, select, update

    table, ticks = store.table["schedules"], store.table["ticks"]
    with store.locked() as connection:
        row = connection.execute(select(table).where(table.c.id == known.id, table.c.paused.is_(True))).one_or_none()
        if row is None:
            return False
        settings = Known.of(row).settings.model_copy(update={"misfire": "skip", "grace": 0.0})
        connection.execute(update(table).where(table.c.id == known.id).values(paused=False, since=now))
        for tick in plan(known.id, settings, row.since, now):
            values = {"key": f"paused {tick.due:.3f}", "due": tick.due, "until": tick.until, "count": tick.count}
            values |= {"not_before": tick.due, "state": "skipped", "reason": "it was paused", "ended": now}
            connection.execute(insert(ticks).values(schedule_id=known.id, cause="time", **values))
    return True
