"""The ticks of a store: what became of them, and what becomes. Each function is one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.schedule.store import ENDED, Store, loaded

if TYPE_CHECKING:
    pass


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
