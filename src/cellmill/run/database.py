"""All runs of a project in one SQLite database: what ran, how it ended, how long each task took.

The database follows the runs' records, whose event logs are the truth: a run writes itself down when it begins and
when it ends, and whoever reads brings those that go on up to date first (a run whose process was killed could not write
that it is lost). It can be deleted; it is made again from the records that there are. Runs stay in it when their
records are cleaned up.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from cellmill.run.history import GOING, LoggedRun, list_runs, record_folders
from cellmill.run.log import runs_folder

_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, kind TEXT, pipeline TEXT, name TEXT, state TEXT, source TEXT, profile TEXT,
    started REAL, ended_at REAL, seconds REAL, message TEXT, told TEXT
);
CREATE INDEX runs_by_pipeline ON runs (pipeline, run_id);
CREATE TABLE tasks (
    run_id TEXT, name TEXT, state TEXT, attempt INTEGER, seconds REAL, failure TEXT, PRIMARY KEY (run_id, name)
);
"""
# Seconds to wait for another process that writes.
_PATIENCE = 5.0


def store_path(root: Path) -> Path:
    """Where a project keeps the database."""
    return root / ".cellmill" / "runs.db"


def put(root: Path, run: LoggedRun) -> None:
    """Write what the record tells of a run now.

    Raises
    ------
    OSError, sqlite3.Error
        If it can't be written.
    """
    with _opened(root) as store:
        _put(store, run)


def find_runs(
    root: Path, *, pipeline: Path | None = None, states: Sequence[str] = (), limit: int | None = None
) -> list[dict[str, Any]]:
    """As :func:`cellmill.run.history.list_runs`, each as :meth:`LoggedRun.as_dict` tells it."""
    for _ in range(2):
        try:
            with _opened(root) as store:
                _bring_up_to_date(root, store)
                return _find(store, pipeline, states, limit)
        except (OSError, sqlite3.OperationalError):  # locked, or no place for it
            break
        except (sqlite3.DatabaseError, ValueError):
            _take_away(root)
    # On a disk that takes no database the records themselves are read.
    return [run.as_dict() for run in list_runs(root, pipeline=pipeline, states=states, limit=limit)]


def _find(
    store: sqlite3.Connection, pipeline: Path | None, states: Sequence[str], limit: int | None
) -> list[dict[str, Any]]:
    where, values = ["1"], list[Any]()
    if pipeline is not None:
        where.append("pipeline = ?")
        values.append(str(pipeline))
    if states:
        where.append(f"state IN ({', '.join('?' * len(states))})")
        values += states
    rows = store.execute(
        f"SELECT told FROM runs WHERE {' AND '.join(where)} ORDER BY run_id DESC LIMIT ?",
        [*values, -1 if limit is None else limit],
    )
    return [json.loads(told) for (told,) in rows]


def _bring_up_to_date(root: Path, store: sqlite3.Connection) -> None:
    """Take in runs that the database does not know, and those that had not ended when it last heard of them."""
    known = dict(store.execute("SELECT run_id, state FROM runs"))
    for record in record_folders(root):
        if known.get(record.name, GOING[0]) in GOING:
            run = LoggedRun(record)
            if run.valid:
                _put(store, run)
            known.pop(record.name, None)
    # What went on when its record was taken away can't be asked any more.
    for run_id in [one for one, state in known.items() if state in GOING and not (runs_folder(root) / one).exists()]:
        store.execute(
            "UPDATE runs SET state = 'lost', told = json_set(told, '$.state', 'lost') WHERE run_id = ?", (run_id,)
        )


def _put(store: sqlite3.Connection, run: LoggedRun) -> None:
    told = run.as_dict()
    names = (
        "run_id",
        "kind",
        "pipeline",
        "name",
        "state",
        "source",
        "profile",
        "started",
        "ended_at",
        "seconds",
        "message",
    )
    values = [told[name] for name in names]
    store.execute(f"REPLACE INTO runs VALUES ({', '.join('?' * (len(names) + 1))})", [*values, json.dumps(told)])
    store.executemany(
        "REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                run.run_id,
                task["name"],
                task["state"],
                task["attempt"],
                task["seconds"],
                (task["failure"] or {}).get("sentence"),
            )
            for task in told["tasks"]
        ],
    )


@contextmanager
def _opened(root: Path) -> Iterator[sqlite3.Connection]:
    """The database, made where there is none."""
    path = store_path(root)
    if not path.parent.is_dir():
        raise FileNotFoundError(path.parent)
    with closing(_connected(path)) as store, store:
        yield store


def _take_away(root: Path) -> None:
    """Take away what is no database; it is made again from the records."""
    path = store_path(root)
    for broken in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with suppress(OSError):
            broken.unlink(missing_ok=True)


def _connected(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = NORMAL")
        (version,) = store.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            with store:
                store.execute("BEGIN IMMEDIATE")
                (version,) = store.execute("PRAGMA user_version").fetchone()
                if version != _VERSION:
                    for table in ("runs", "tasks"):
                        store.execute(f"DROP TABLE IF EXISTS {table}")
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        store.execute(statement)
                    store.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        with suppress(sqlite3.Error):
            store.close()
        raise
    return store
