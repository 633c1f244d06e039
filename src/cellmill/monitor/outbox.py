"""Messages on their way: claimed by one scheduler at a time, grouped, held back where there are too many.

Each function is one transaction of the schedulers' store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from cellmill.monitor.tables import made
from cellmill.schedule.settings import AlertKind
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
_HELD_BACK = f"held back: {MOST_AN_HOUR} were sent within an hour"
# What a group is shown as: the first of these that is in it.
_WORST: tuple[AlertKind, ...] = ("failure", "check", "missed", "late", "recovery")


@dataclass(frozen=True)
class Batch:
    """Messages that go to one address as one.

    Attributes
    ----------
    destination
        The variable that holds the address.
    kind
        The worst of what they tell.
    messages
        Title and body of each, the oldest first.
    attempts
        The number of this attempt, of that which has been tried least.
    held_back
        Whether they waited because of the limit.
    repeated
        Whether they may have been sent before: a scheduler died while it sent them.
    """

    id: str
    destination: str
    kind: AlertKind
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

    def claim(self, roots: Collection[Path], destination: str, now: float, group: float = GROUP) -> Batch | None:
        """Take all that waits for an address, once the oldest has waited ``group`` seconds; None if that is nothing."""
        from sqlalchemy import select

        table = self._table
        query = select(table).where(
            table.c.destination == destination, table.c.not_before <= now, *_of(table, roots, now)
        )
        with self._store.locked() as connection:
            rows = connection.execute(query.order_by(table.c.id).limit(_MOST)).all()
            if not rows or min(row.created for row in rows) > now - group:
                return None
            if self._sent(connection, destination, now) >= MOST_AN_HOUR:
                self._hold_back(connection, rows)
                return None
            return self._take(connection, destination, rows, now)

    def sent(self, batch: Batch, now: float) -> None:
        """Write down that a batch was sent."""
        self._change(batch, {"state": "sent", "sent": now, "problem": ""})

    def not_sent(self, batch: Batch, problem: str, now: float) -> int:
        """Let a batch that could not be sent wait for another attempt; how many of it are given up."""
        from sqlalchemy import update

        table = self._table
        with self._store.locked() as connection:
            mine = [table.c.batch == batch.id, table.c.attempts > len(PAUSES)]
            given_up = connection.execute(update(table).where(*mine).values(state="failed", problem=problem)).rowcount
            values: dict[str, Any] = {"state": "waiting", "problem": problem}
            values["not_before"] = now + PAUSES[min(batch.attempts, len(PAUSES)) - 1]
            mine = [table.c.batch == batch.id, table.c.state == "sending"]
            connection.execute(update(table).where(*mine).values(**values))
        return given_up

    def tidy(self, now: float) -> list[tuple[str, int]]:
        """Give up what waits for too long, and forget what was sent long ago; what was given up, by address."""
        from sqlalchemy import delete, func, select, update

        table = self._table
        old = [table.c.state.in_(("waiting", "sending")), table.c.created < now - _OLDEST]
        with self._store.locked() as connection:
            query = select(table.c.destination, func.count()).where(*old).group_by(table.c.destination)
            dropped = [(one, number) for one, number in connection.execute(query)]
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

    def _hold_back(self, connection: Connection, rows: Sequence[Any]) -> None:
        from sqlalchemy import update

        if new := [row.id for row in rows if not row.problem]:
            table = self._table
            connection.execute(update(table).where(table.c.id.in_(new)).values(problem=_HELD_BACK))

    def _take(self, connection: Connection, destination: str, rows: Sequence[Any], now: float) -> Batch:
        from sqlalchemy import update

        table = self._table
        batch = token_hex(8)
        connection.execute(
            update(table)
            .where(table.c.id.in_([row.id for row in rows]))
            .values(state="sending", batch=batch, claimed=now, attempts=table.c.attempts + 1)
        )
        kinds = {row.kind for row in rows}
        return Batch(
            batch,
            destination,
            next(kind for kind in _WORST if kind in kinds),
            tuple((row.title, row.body) for row in rows),
            1 + min(row.attempts for row in rows),
            any(row.problem == _HELD_BACK for row in rows),
            any(row.state == "sending" for row in rows),
        )

    def _change(self, batch: Batch, values: dict[str, Any]) -> None:
        from sqlalchemy import update

        table = self._table
        with self._store.locked() as connection:
            connection.execute(update(table).where(table.c.batch == batch.id).values(**values))


def _of(table: Any, roots: Iterable[Path], now: float) -> list[Any]:
    from sqlalchemy import and_, or_

    cut_off = and_(table.c.state == "sending", table.c.claimed < now - _CUT_OFF)
    return [table.c.root.in_([str(root) for root in roots]), or_(table.c.state == "waiting", cut_off)]
