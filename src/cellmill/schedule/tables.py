"""The tables of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def tables() -> MetaData:
    """The store's tables: ``cellmill_schedules``, ``cellmill_ticks``, ``cellmill_schedulers``, ``cellmill_store``."""
    from sqlalchemy import MetaData

    found = MetaData()
    for add in (_schedules, _ticks, _schedulers, _store):
        add(found)
    return found


def _schedules(found: MetaData) -> None:
    """What is declared, by the schedule's id."""
    from sqlalchemy import Boolean, Column, Float, String, Table, Text

    Table(
        "cellmill_schedules",
        found,
        Column("id", String(32), primary_key=True),
        Column("root", Text, nullable=False),
        Column("folder", Text, nullable=False),
        Column("name", String(64), nullable=False),
        Column("spec", Text, nullable=False),
        Column("since", Float(53), nullable=False),
        Column("paused", Boolean, nullable=False, default=False),
        Column("removed", Boolean, nullable=False, default=False),
        Column("seen", Text),
    )


def _ticks(found: MetaData) -> None:
    """The times and causes, and what became of each."""
    from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

    Table(
        "cellmill_ticks",
        found,
        Column("id", Integer, primary_key=True),
        Column("schedule_id", String(32), nullable=False),
        Column("key", String(200), nullable=False),
        Column("cause", String(16), nullable=False, default="time"),
        Column("due", Float(53), nullable=False),
        Column("until", Float(53)),
        Column("count", Integer, nullable=False, default=1),
        Column("not_before", Float(53), nullable=False),
        Column("state", String(16), nullable=False),
        Column("reason", Text, nullable=False, default=""),
        Column("attempt", Integer, nullable=False, default=0),
        Column("starts", Integer, nullable=False, default=0),
        Column("owner", String(64)),
        Column("cancelled", Text),
        Column("file", Text),
        Column("upstream", Text),
        Column("run_id", String(40)),
        Column("record", Text),
        Column("runs", Text, nullable=False, default="[]"),
        Column("snapshot", Text),
        Column("claimed", Float(53)),
        Column("started", Float(53)),
        Column("ended", Float(53)),
        UniqueConstraint("schedule_id", "key"),
        Index("cellmill_ticks_by_state", "state", "not_before"),
        Index("cellmill_ticks_by_schedule", "schedule_id", "due"),
        # All that counts what became of ticks reads, so that it reads nothing else.
        Index("cellmill_ticks_ended", "state", "ended", "schedule_id", "count"),
    )


def _schedulers(found: MetaData) -> None:
    """Who works on the store."""
    from sqlalchemy import Column, Float, Integer, String, Table, Text

    Table(
        "cellmill_schedulers",
        found,
        Column("id", String(64), primary_key=True),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("born", Float(53), nullable=False),
        Column("started", Float(53), nullable=False),
        Column("seen", Float(53), nullable=False),
        Column("told", Text, nullable=False, default="{}"),
    )


def _store(found: MetaData) -> None:
    """The store's own format."""
    from sqlalchemy import Column, Integer, Table

    Table(
        "cellmill_store",
        found,
        Column("version", Integer, primary_key=True),
        # Goes up with each change of what is scheduled: whoever has read it knows whether to read it again.
        Column("changes", Integer, nullable=False, default=0),
    )
