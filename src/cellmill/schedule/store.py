"""What schedulers share: schedules, their ticks, and who works on them, in SQLite or PostgreSQL.

A tick is one time of a schedule, or one cause. That it happens once follows from two things: no two ticks of a
schedule have the same key (a unique index), and a tick is claimed inside a transaction that holds the store's one
lock. So any number of schedulers may work on one store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError, shown
from cellmill.schedule.tables import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

VARIABLE = "CELLMILL_STORE"
# What holds PostgreSQL's advisory lock of a store.
_LOCK = 0x63656C6C
_VERSION = 1

ACTIVE = ("queued", "running")
"""States of a tick that has not ended."""

ENDED = ("succeeded", "failed", "lost", "stopped", "skipped", "missed")
"""``skipped`` is what an overlap or a pause took away, ``missed`` what came while no scheduler ran."""


def store_url(root: Path, given: str | None = None) -> str:
    """The store's address: what is given, else ``CELLMILL_STORE``, else a SQLite file of the project.

    Parameters
    ----------
    root
        The project's root.
    """
    return given or os.environ.get(VARIABLE) or f"sqlite:///{root / '.cellmill' / 'schedules.db'}"


class Store:
    """A connection to a store; made where there is none.

    Parameters
    ----------
    url
        As SQLAlchemy has it; ``postgresql://`` uses psycopg.

    Raises
    ------
    CellmillError
        If it can't be opened; the address is told without its password.
    """

    def __init__(self, url: str) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        self.url = url
        try:
            self.engine = _engine(url)
            self._make()
        except ImportError as error:
            raise CellmillError(
                f"the store {self.shown} needs {error.name}", remedy="pip install 'cellmill[postgres]'"
            ) from None
        except (SQLAlchemyError, OSError) as error:
            raise CellmillError(f"the store {self.shown} can't be opened ({reason(error)})") from None

    @property
    def shown(self) -> str:
        """Its address without a password; a SQLite file's path."""
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(self.url)
        except ArgumentError:
            return "(not an address)"
        if url.get_backend_name() == "sqlite" and url.database:
            return str(shown(Path(url.database)))
        return url.render_as_string(hide_password=True)

    @property
    def table(self) -> Mapping[str, Any]:
        """The tables by their short names: ``schedules``, ``ticks``, ``schedulers``."""
        return self._tables

    def _make(self) -> None:
        from sqlalchemy import insert, select

        meta = tables()
        self._tables = {name.removeprefix("cellmill_"): table for name, table in meta.tables.items()}
        with self.locked() as connection:
            meta.create_all(connection)
            found = connection.scalar(select(self._tables["store"].c.version))
            if found is None:
                connection.execute(insert(self._tables["store"]).values(version=_VERSION))
            elif found != _VERSION:
                raise CellmillError(
                    f"the store {self.shown} was made by another version of cellmill (its format is {found})",
                    remedy="use the cellmill that made it, or another store",
                )

    @contextmanager
    def locked(self) -> Iterator[Connection]:
        """A transaction that no other one of the store runs beside."""
        from sqlalchemy import text

        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            # SQLite's transactions begin with its one lock (see _engine).
            yield connection

    def tell_change(self, connection: Connection) -> None:
        """Let other schedulers know that schedules have changed."""
        from sqlalchemy import update

        table = self._tables["store"]
        connection.execute(update(table).values(changes=table.c.changes + 1))

    def changes(self) -> int:
        """How often schedules have changed."""
        from sqlalchemy import select

        with self.reading() as connection:
            return int(connection.scalar(select(self._tables["store"].c.changes)) or 0)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with, which waits for nobody."""
        with self.engine.connect() as connection:
            yield connection.execution_options(cellmill_reading=True)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def reason(error: BaseException) -> str:
    """What a database says, in one line and without addresses."""
    origin = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(origin).splitlines() if line.strip()]
    return lines[0] if lines else type(origin).__name__


def _engine(url: str) -> Engine:
    from sqlalchemy import create_engine, event, make_url

    address = make_url(url)
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise CellmillError(
            f"a store is SQLite or PostgreSQL, not {address.get_backend_name()}",
            remedy="write it as in sqlite:///schedules.db or postgresql://user@host/name",
        )
    if address.get_backend_name() == "postgresql":
        return create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    if address.database:
        Path(address.database).resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _opened(connection: Any, _record: Any) -> None:
        # Transactions are begun below, with the lock taken at once.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        reading = connection.get_execution_options().get("cellmill_reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def loaded(text: str | None, otherwise: Any) -> Any:
    """JSON of a column."""
    try:
        return json.loads(text) if text else otherwise
    except ValueError:
        return otherwise
