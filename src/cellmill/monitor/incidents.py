"""Incidents: what goes wrong is told once to each address, until it goes well again. Each function is one transaction.

State is in the schedulers' store, so neither a second scheduler nor a restart tells anything twice: whether a tick has
been seen to, which incident is open, and the message that follows from that are written in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.monitor.tables import made
from cellmill.monitor.words import (
    Message,
    failure_message,
    late_message,
    missed_message,
    recovery_message,
)
from cellmill.schedule.declare import Known
from cellmill.schedule.settings import AlertKind
from cellmill.schedule.store import Store, loaded
from cellmill.schedule.ticks import Tick

if TYPE_CHECKING:
    from sqlalchemy import Connection

_DAY = 86400.0
# What is told of is forgotten after so long; what comes up later than that is told of no more.
HORIZON = 7 * _DAY


@dataclass(frozen=True)
class Incident:
    """Something that is wrong: ``failure``, ``missed`` or ``late`` of a schedule, a service level of a pipeline."""

    id: int
    subject: str
    kind: str
    opened: float
    last: float
    count: int
    told: frozenset[str]


def wants(on: Sequence[str], kind: AlertKind) -> bool:
    """Whether who asks to be told of some kinds of things is told of this one.

    A check that failed is also told to those who ask for failures only.
    """
    return kind in on or (kind == "check" and "failure" in on)


def addressed(known: Iterable[Known], kind: AlertKind) -> set[str]:
    """The variables of the addresses that some schedules want to be told of a kind of things."""
    return {one.variable for each in known for one in each.settings.alerts if wants(one.on, kind)}


class Incidents:
    """The incidents of a store, and the messages that follow from them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = made(store)

    def watch(self, known: Iterable[Known], now: float) -> dict[str, float]:
        """Begin to watch schedules that have alerts; since when each is watched, by id."""
        from sqlalchemy import delete, insert, select

        table = self._tables["watched"]
        wanted = {one.id for one in known if one.settings.alerts}
        others = {one.id for one in known if not one.settings.alerts}
        query = select(table.c.schedule_id, table.c.since)
        with self._store.reading() as connection:
            found: dict[str, float] = dict(connection.execute(query).all())
        if new := wanted - set(found):
            with self._store.locked() as connection:
                found = dict(connection.execute(query).all())
                for one in new - set(found):
                    connection.execute(insert(table).values(schedule_id=one, since=now))
                    found[one] = now
        if gone := others & set(found):
            with self._store.locked() as connection:
                connection.execute(delete(table).where(table.c.schedule_id.in_(gone)))
        return {one: found[one] for one in wanted}

    def failed(self, known: Known, tick: Tick, told: Mapping[str, Any]) -> bool:
        """A tick failed or was lost; False if that has been seen to."""
        message = failure_message(known, tick, told)
        at = tick.ended or tick.due
        with self._store.locked() as connection:
            return self._first(connection, tick.id, "failure", at) and self._tell(
                connection, known.root, known.id, "failure", at, message, addressed([known], message.kind)
            )

    def missed(self, known: Known, tick: Tick) -> bool:
        """Times were missed; False if that has been seen to."""
        message = missed_message(known, tick)
        at = tick.ended or tick.due
        with self._store.locked() as connection:
            return self._first(connection, tick.id, "missed", at) and self._tell(
                connection, known.root, known.id, "missed", at, message, addressed([known], "missed")
            )

    def late(self, known: Known, tick: Tick, now: float) -> bool:
        """A run is late; False if that has been seen to."""
        message = late_message(known, tick, now)
        with self._store.locked() as connection:
            return self._first(connection, tick.id, "late", now) and self._tell(
                connection, known.root, known.id, "late", tick.due, message, addressed([known], "late")
            )

    def on_time(self, known: Known, tick: Tick) -> None:
        """A run started on time: lateness is over, if there was any."""
        if any(one.kind == "late" and one.last < tick.due for one in self.open_ones([known.id])):
            with self._store.locked() as connection:
                self._close(connection, known.id, "late", tick.due, tick.started or tick.due)

    def succeeded(self, known: Known, tick: Tick, told: Mapping[str, Any]) -> None:
        """A tick succeeded: what was wrong with its schedule before is over, and that is told."""
        at = tick.ended or tick.due
        if not any(one.last <= at for one in self.open_ones([known.id])):
            return
        with self._store.locked() as connection:
            self._close(connection, known.id, "missed", at, at)
            closed = self._close(connection, known.id, "failure", at, at)
            if closed is not None:
                message = recovery_message(known, tick, closed.opened, closed.count, told)
                self._put(connection, known.root, message, _recovered(known, closed), at)

    def broken(self, root: Path, folder: Path, kind: str, message: Message, known: Sequence[Known], now: float) -> bool:
        """A service level of a pipeline does not hold; False if that has been told."""
        with self._store.locked() as connection:
            return self._tell(connection, root, str(folder), kind, now, message, addressed(known, message.kind))

    def holds(self, root: Path, folder: Path, kind: str, message: Message, known: Sequence[Known], now: float) -> None:
        """A service level holds (again)."""
        with self._store.locked() as connection:
            closed = self._close(connection, str(folder), kind, now, now)
            if closed is not None:
                self._put(connection, root, message, addressed(known, "recovery") & closed.told, now)

    def open_ones(self, subjects: Iterable[str] | None = None) -> list[Incident]:
        """The incidents that are open, of all subjects or of some."""
        from sqlalchemy import select

        table = self._tables["incidents"]
        query = select(table).where(table.c.closed.is_(None))
        if subjects is not None:
            query = query.where(table.c.subject.in_(list(subjects)))
        with self._store.reading() as connection:
            return [_incident(row) for row in connection.execute(query)]

    def forget(self, now: float) -> None:
        """Take away what is told, closed and old."""
        from sqlalchemy import delete

        alerted, incidents = self._tables["alerted"], self._tables["incidents"]
        with self._store.locked() as connection:
            connection.execute(delete(alerted).where(alerted.c.at < now - 2 * HORIZON))
            connection.execute(delete(incidents).where(incidents.c.closed < now - 90 * _DAY))

    def seen(self, kind: str) -> Any:
        """A query's ``NOT IN``: the ids of the ticks of which that has been seen to."""
        from sqlalchemy import select

        table = self._tables["alerted"]
        return select(table.c.tick_id).where(table.c.kind == kind)

    def watched_then(self, ticks: Any) -> Any:
        """A query's condition: a tick ended since its schedule has had alerts."""
        from sqlalchemy import exists

        table = self._tables["watched"]
        return exists().where(table.c.schedule_id == ticks.c.schedule_id, table.c.since <= ticks.c.ended)

    def _first(self, connection: Connection, tick_id: int, kind: str, at: float) -> bool:
        from sqlalchemy import insert, select

        table = self._tables["alerted"]
        if connection.scalar(select(table.c.at).where(table.c.tick_id == tick_id, table.c.kind == kind)) is not None:
            return False
        connection.execute(insert(table).values(tick_id=tick_id, kind=kind, at=at))
        return True

    def _tell(
        self,
        connection: Connection,
        root: Path,
        subject: str,
        kind: str,
        at: float,
        message: Message,
        destinations: set[str],
    ) -> bool:
        """Open an incident, or add to the one that is open, and tell those that have not been told of it."""
        from sqlalchemy import insert, select, update

        table = self._tables["incidents"]
        row = connection.execute(
            select(table).where(table.c.subject == subject, table.c.kind == kind, table.c.closed.is_(None))
        ).first()
        told: frozenset[str] = frozenset()
        if row is None:
            values = {"root": str(root), "subject": subject, "kind": kind, "opened": at, "last": at}
            connection.execute(insert(table).values(**values, count=1, told=json.dumps(sorted(destinations))))
        else:
            former = _incident(row)
            told = former.told
            values = {
                "last": max(at, former.last),
                "count": former.count + 1,
                "told": json.dumps(sorted(told | destinations)),
            }
            connection.execute(update(table).where(table.c.id == row.id).values(**values))
        return self._put(connection, root, message, destinations - told, at)

    def _close(self, connection: Connection, subject: str, kind: str, later_than: float, at: float) -> Incident | None:
        from sqlalchemy import select, update

        table = self._tables["incidents"]
        row = connection.execute(
            select(table).where(
                table.c.subject == subject,
                table.c.kind == kind,
                table.c.closed.is_(None),
                table.c.last <= later_than,
            )
        ).first()
        if row is None:
            return None
        connection.execute(update(table).where(table.c.id == row.id).values(closed=at))
        return _incident(row)

    def _put(
        self, connection: Connection, root: Path, message: Message, destinations: Iterable[str], at: float
    ) -> bool:
        from sqlalchemy import insert

        rows = [
            {
                "root": str(root),
                "destination": one,
                "kind": message.kind,
                "title": message.title,
                "body": message.body,
                "created": at,
                "not_before": at,
                "state": "waiting",
            }
            for one in sorted(destinations)
        ]
        if rows:
            connection.execute(insert(self._tables["alerts"]), rows)
        return bool(rows)


def _recovered(known: Known, incident: Incident) -> set[str]:
    """Who is told that a schedule works again: who was told of the failure, and who never asks for failures."""
    silent = {one.variable for one in known.settings.alerts if not (wants(one.on, "failure") or wants(one.on, "check"))}
    return addressed([known], "recovery") & (incident.told | silent)


def _incident(row: Any) -> Incident:
    told = frozenset(map(str, loaded(row.told, [])))
    # A row is a tuple, and has a method of that name.
    count = row._mapping["count"]
    return Incident(row.id, row.subject, row.kind, row.opened, row.last, count, told)
