"""Which schedulers work on a store: each says that it lives, and takes over what a dead one left."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from cellmill.schedule.store import Store

if TYPE_CHECKING:
    from sqlalchemy import Row

BEAT = 5.0
"""Seconds between two signs of life."""

# The number of the machine's own space of process ids; that of a container is another one.
_FIRST_SPACE = 0xEFFFFFFC

SILENCE = 20.0
"""Seconds without a sign of life after which a scheduler whose process can't be looked at is dead."""


class Membership:
    """A process as one of a store's schedulers.

    Parameters
    ----------
    now
        Seconds since the epoch.
    """

    def __init__(self, store: Store, now: float) -> None:
        self._store = store
        self._table = store.table["schedulers"]
        self.host = _host()
        self.id = ""
        self._signs: dict[str, tuple[float, float]] = {}
        self.join(now)

    def join(self, now: float) -> None:
        """Become one of them, under an id that nobody had."""
        from sqlalchemy import insert

        self.id = f"{self.host[:40]}-{os.getpid()}-{token_hex(4)}"
        values = {"id": self.id, "host": self.host, "pid": os.getpid(), "born": _born(os.getpid())}
        with self._store.locked() as connection:
            connection.execute(insert(self._table).values(**values, started=now, seen=now, told="{}"))

    def beat(self, now: float, told: Mapping[str, Any]) -> bool:
        """Say that it lives; False if another one has taken it for dead."""
        from sqlalchemy import update

        with self._store.locked() as connection:
            done = connection.execute(
                update(self._table).where(self._table.c.id == self.id).values(seen=now, told=json.dumps(dict(told)))
            )
        return bool(done.rowcount)

    def take_over(self) -> list[str]:
        """Take the ticks of schedulers that are dead.

        Returns
        -------
        list
            The ids of those that were.
        """
        from sqlalchemy import delete, select, update

        ticks = self._store.table["ticks"]
        with self._store.reading() as connection:
            others = connection.execute(select(self._table).where(self._table.c.id != self.id)).all()
            ids = {row.id for row in others} | {self.id}
            # Nobody's: the scheduler's row is gone, the tick's is not.
            owners = set(connection.scalars(select(ticks.c.owner).where(ticks.c.state == "running").distinct()))
        dead = {row.id for row in others if self._is_dead(row)} | {one for one in owners - ids if one}
        if dead:
            with self._store.locked() as connection:
                mine = [ticks.c.state == "running", ticks.c.owner.in_(dead)]
                connection.execute(update(ticks).where(*mine).values(owner=self.id))
                connection.execute(delete(self._table).where(self._table.c.id.in_(dead)))
        return sorted(dead)

    def leave(self) -> None:
        """Be no scheduler of the store any more."""
        from sqlalchemy import delete

        with self._store.locked() as connection:
            connection.execute(delete(self._table).where(self._table.c.id == self.id))

    def _is_dead(self, other: Row[Any]) -> bool:
        if other.host == self.host and other.pid > 0:
            return bool(_born(other.pid) != other.born)
        # By this process's own clock, which runs while it can look: neither a changed clock nor a suspended machine
        # makes a scheduler look dead.
        seen, since = self._signs.get(other.id, (None, 0.0))
        if seen != other.seen:
            self._signs[other.id] = (other.seen, time.monotonic())
            return False
        return time.monotonic() - since > SILENCE


def _host() -> str:
    """Where a process's id means something: the machine, or the container on it, which may share its name."""
    name = socket.gethostname()
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return name
    return name if space == _FIRST_SPACE else f"{name}+{space}"


def _born(pid: int) -> float:
    """When a process began, as a mark of it; 0 if there is none.

    On Linux in ticks since the machine's start: the seconds that psutil makes of them change with the clock.
    """
    import psutil

    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may hold anything; the state and 18 more fields stand before the start.
            fields = file.read().rpartition(b")")[2].split()
        return 0.0 if fields[0] in (b"Z", b"X") else float(fields[19])
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return 0.0
    except (OSError, ValueError, IndexError):
        pass
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return 0.0
        return round(float(process.create_time()), 2)
    except psutil.Error:
        return 0.0


def serving(store: Store, root: object) -> list[dict[str, Any]]:
    """The schedulers of a store that live and serve a project, JSON-ready."""
    from sqlalchemy import select

    table = store.table["schedulers"]
    host = _host()
    with store.reading() as connection:
        rows = connection.execute(select(table)).all()
    found = []
    for row in rows:
        told = json.loads(row.told or "{}")
        lives = _born(row.pid) == row.born if row.host == host else time.time() - row.seen < SILENCE
        if lives and str(root) in told.get("roots", ()):
            found.append({"id": row.id, "host": row.host, "pid": row.pid, "started": row.started, **told})
    return found
