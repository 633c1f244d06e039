"""Takes ticks that may start now, so that each is one scheduler's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cellmill.schedule.declare import Known, readable
from cellmill.schedule.store import Store
from cellmill.schedule.ticks import Tick

if TYPE_CHECKING:
    from sqlalchemy import Connection


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
