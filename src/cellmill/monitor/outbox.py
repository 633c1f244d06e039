"""Messages on their way: claimed by one scheduler at a time, grouped, held back where there are too many.

Each function is one transaction of the schedulers' store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from cellmill.monitor.tables import made
from cellmill.schedule.store import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

GROUP = 3.0
"""Seconds that a message waits for others to the same address."""

MOST_AN_HOUR = 10
"""Sendings to one address in an hour; what is more waits, and goes as one."""

PAUSES = (10.0, 30.0, 90.0, 270.0, 810.0)
"""Seconds after a sending that failed until it is tried again; after the last one it is given up."""

# Seconds after which a sending was cut off: its scheduler died. No sending takes that long (sending.py).
_CUT_OFF = 180.0
_MOST = 500
_HOUR = 3600.0
_DAY = 86400.0
# An alert that nobody could send for so long is no news any more.
_OLDEST = 3 * _DAY


@dataclass(frozen=True)
class Batch:
    """Messages that go to one address as one.

    Attributes
    ----------
    destination
        The variable that holds the address.
    messages
        Title and body of each, the oldest first.
    held_back
        Whether they waited because of the limit.
    repeated
        Whether they may have been sent before: a scheduler died while it sent them.
    """

    id: str
    destination: str
    messages: tuple[tuple[str, str], ...]
    attempts: int
    held_back: bool = False
    repeated: bool = False


class Outbox:
    """The messages of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = made(store)["alerts"]

    def waiting(self, roots: Iterable[Path], now: float) -> set[str]:
        """The variables of the addresses to which something of some projects is to be sent now."""
        from sqlalchemy import select

        table = self._table
        query = select(table.c.destination).distinct().where(table.c.not_before <= now, *_of(table, roots, now))
        with self._store.reading() as connection:
            return set(connection.scalars(query))

    def claim(
        self, roots: Collection[Path], destinations: Iterable[str], now: float, group: float = GROUP
    ) -> list[Batch]:
        """Take what is to be sent now: all that waits for an address, once the oldest has waited ``group`` seconds."""
        from sqlalchemy import select

        table = self._table
        found = []
        with self._store.locked() as connection:
            for destination in sorted(destinations):
                query = select(table).where(
                    table.c.destination == destination, table.c.not_before <= now, *_of(table, roots, now)
                )
                rows = connection.execute(query.order_by(table.c.id).limit(_MOST)).all()
                if not rows or min(row.created for row in rows) > now - group:
                    continue
                if self._sent(connection, destination, now) >= MOST_AN_HOUR:
                    continue
                found.append(self._take(connection, destination, rows, now))
        return found

    def sent(self, batch: Batch, now: float) -> None:
        """Write down that a batch was sent."""
        self._change(batch, {"state": "sent", "sent": now, "problem": ""})

    def not_sent(self, batch: Batch, problem: str, now: float) -> bool:
        """Let a batch that could not be sent wait; False if it is given up."""
        if batch.attempts > len(PAUSES):
            self._change(batch, {"state": "failed", "problem": problem})
            return False
        values = {"state": "waiting", "problem": problem, "not_before": now + PAUSES[batch.attempts - 1]}
        self._change(batch, values)
        return True

    def tidy(self, now: float) -> list[tuple[str, int]]:
        """Give up what waits for too long, and forget what was sent long ago; what was given up, by address."""
        from sqlalchemy import delete, func, select, update

        table = self._table
        old = [table.c.state.in_(("waiting", "sending")), table.c.created < now - _OLDEST]
        with self._store.locked() as connection:
            query = select(table.c.destination, func.count()).where(*old).group_by(table.c.destination)
            dropped = list(connection.execute(query).tuples())
            words = "no scheduler could send it within three days"
            connection.execute(update(table).where(*old).values(state="failed", problem=words))
            connection.execute(delete(table).where(table.c.created < now - 30 * _DAY))
        return dropped

    def _sent(self, connection: Connection, destination: str, now: float) -> int:
        from sqlalchemy import func, select

        table = self._table
        query = select(func.count(table.c.batch.distinct())).where(
            table.c.destination == destination, table.c.sent > now - _HOUR
        )
        return connection.scalar(query) or 0

    def _take(self, connection: Connection, destination: str, rows: list[Any], now: float) -> Batch:
        from sqlalchemy import update

        table = self._table
        attempts = 1 + max(row.attempts for row in rows)
        batch = token_hex(8)
        connection.execute(
            update(table)
            .where(table.c.id.in_([row.id for row in rows]))
            .values(state="sending", batch=batch, claimed=now, attempts=attempts)
        )
        # Not those that waited for another attempt: they have their pauses.
        waited = any(now - row.created > 60 and not row.attempts for row in rows)
        held_back = waited and self._sent(connection, destination, now) >= MOST_AN_HOUR - 1
        messages = tuple((row.title, row.body) for row in rows)
        return Batch(batch, destination, messages, attempts, held_back, any(row.state == "sending" for row in rows))

    def _change(self, batch: Batch, values: dict[str, Any]) -> None:
        from sqlalchemy import update

        table = self._table
        with self._store.locked() as connection:
            connection.execute(update(table).where(table.c.batch == batch.id).values(**values))


def _of(table: Any, roots: Iterable[Path], now: float) -> list[Any]:
    from sqlalchemy import and_, or_

    cut_off = and_(table.c.state == "sending", table.c.claimed < now - _CUT_OFF)
    return [table.c.root.in_([str(root) for root in roots]), or_(table.c.state == "waiting", cut_off)]
