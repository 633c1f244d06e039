"""The tables that alerts need in the schedulers' store: incidents, what is to be sent, what has been seen to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cellmill.schedule.store import Store

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def tables() -> MetaData:
    """The tables.

    ``incidents``: what is, or was, wrong with a schedule or a pipeline, from when to when, and which addresses were
    told. ``alerts``: messages on their way, and those that were sent. ``alerted``: ticks that have been seen to.
    ``watched``: since when a schedule has had alerts; what was before is not told.
    """
    from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

    found = MetaData()
    Table(
        "cellmill_incidents",
        found,
        Column("id", Integer, primary_key=True),
        Column("root", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("opened", Float(53), nullable=False),
        Column("last", Float(53), nullable=False),
        Column("count", Integer, nullable=False, default=1),
        Column("closed", Float(53)),
        Column("told", Text, nullable=False, default="[]"),
        Index("cellmill_incidents_open", "closed", "kind"),
    )
    Table(
        "cellmill_alerts",
        found,
        Column("id", Integer, primary_key=True),
        Column("root", Text, nullable=False),
        Column("destination", Text, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("created", Float(53), nullable=False),
        Column("not_before", Float(53), nullable=False),
        Column("state", String(16), nullable=False, default="waiting"),
        Column("attempts", Integer, nullable=False, default=0),
        Column("batch", String(32)),
        Column("claimed", Float(53)),
        Column("sent", Float(53)),
        Column("problem", Text, nullable=False, default=""),
        Index("cellmill_alerts_by_state", "state", "not_before"),
        Index("cellmill_alerts_sent", "destination", "sent"),
    )
    Table(
        "cellmill_alerted",
        found,
        Column("tick_id", Integer, primary_key=True),
        Column("kind", String(16), primary_key=True),
        Column("at", Float(53), nullable=False),
    )
    Table(
        "cellmill_watched",
        found,
        Column("schedule_id", String(32), primary_key=True),
        Column("since", Float(53), nullable=False),
    )
    return found


def made(store: Store) -> Mapping[str, Any]:
    """The tables by their short names, made where there are none."""
    meta = tables()
    with store.locked() as connection:
        meta.create_all(connection)
    return {name.removeprefix("cellmill_"): table for name, table in meta.tables.items()}


def unsent(store: Store) -> list[dict[str, Any]]:
    """Alerts that were given up in the last seven days, and those that wait for long, by address; JSON-ready.

    Of a store that no scheduler with alerts has worked on, none.
    """
    import time

    from sqlalchemy import and_, func, inspect, or_, select

    table = tables().tables["cellmill_alerts"]
    if not inspect(store.engine).has_table(table.name):
        return []
    now = time.time()
    query = (
        select(table.c.root, table.c.destination, table.c.state, func.count(), func.min(table.c.created))
        .where(
            or_(
                and_(table.c.state == "failed", table.c.created > now - 7 * 86400),
                and_(table.c.state != "sent", table.c.state != "failed", table.c.created < now - 300),
            )
        )
        .group_by(table.c.root, table.c.destination, table.c.state)
    )
    names = ("root", "destination", "state", "count", "since")
    with store.reading() as connection:
        return [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
