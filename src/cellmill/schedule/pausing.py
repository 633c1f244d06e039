"""Pausing and resuming: what came while a schedule was paused is told as skipped, and never run."""

from __future__ import annotations

from cellmill.schedule.declare import Known
from cellmill.schedule.planner import plan
from cellmill.schedule.store import Store


def pause(store: Store, known: Known) -> bool:
    """Let a schedule be due no more until it is resumed; False if it is paused."""
    from sqlalchemy import update

    table = store.table["schedules"]
    with store.locked() as connection:
        done = connection.execute(
            update(table).where(table.c.id == known.id, table.c.paused.is_(False)).values(paused=True)
        )
        store.tell_change(connection)
    return bool(done.rowcount)


def resume(store: Store, known: Known, now: float) -> bool:
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
        store.tell_change(connection)
        for tick in plan(known.id, settings, row.since, now):
            values = {"key": f"paused {tick.due:.3f}", "due": tick.due, "until": tick.until, "count": tick.count}
            values |= {"not_before": tick.due, "state": "skipped", "reason": "it was paused", "ended": now}
            connection.execute(insert(ticks).values(schedule_id=known.id, cause="time", **values))
    return True
