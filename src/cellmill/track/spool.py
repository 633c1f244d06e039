"""The folder that keeps what a tracking server could not take: a whole MLflow store of its own for each run."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cellmill.track.store import Store, local_store

FORMAT = 1

# On a spooled run: the run on the server that it continues. On a server's run: the spooled run it was made from.
CONTINUES = "cellmill.spool.server_run"
SENT_FROM = "cellmill.spool.sent_from"


@dataclass(frozen=True)
class Spool:
    """What is kept of one run.

    Attributes
    ----------
    folder
        The spool's folder: ``mlflow.db`` and ``mlartifacts``, which ``mlflow ui`` opens too.
    target
        The tracking address it is meant for.
    experiment
        The experiment's name.
    reason
        Why the server did not take it.
    started
        When the spool was made, in seconds since the epoch.
    """

    folder: Path
    target: str
    experiment: str
    reason: str
    started: float

    @property
    def store(self) -> Store:
        """The MLflow store inside."""
        return local_store(self.folder)

    def local(self, location: str) -> Path:
        """Give the folder of an artifact address in the store inside; also where the project was moved since."""
        path = unquote(urlsplit(location).path)
        _, found, below = path.rpartition(f"/{self.folder.name}/mlartifacts/")
        return self.folder / "mlartifacts" / below if found else Path(path)

    @property
    def lock(self) -> Path:
        """Held by whoever writes to it or sends it."""
        return self.folder / "lock"


def spool_home(root: Path) -> Path:
    """Give the folder of a project's spools."""
    return root / ".cellmill" / "spool"


def make_spool(root: Path, name: str, *, target: str, experiment: str, reason: str) -> Spool:
    """Make a spool's folder.

    Parameters
    ----------
    root
        The project's root.
    name
        The run's name; characters that folders can't have are replaced.
    """
    home = spool_home(root)
    home.mkdir(parents=True, exist_ok=True)
    ignore = root / ".cellmill" / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    folder = _free_folder(home, re.sub(r"[^\w.-]", "_", name).strip(".") or "run")
    spool = Spool(folder, target, experiment, reason, time.time())
    content = {"format": FORMAT, **asdict(spool)}
    del content["folder"]
    # The address may hold a password: readable by its owner only.
    with os.fdopen(os.open(folder / "spool.json", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    return spool


def list_spools(root: Path) -> list[Spool]:
    """Give the project's spools, oldest first."""
    found = []
    for file in spool_home(root).glob("*/spool.json"):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            fields = {name: content[name] for name in ("target", "experiment", "reason", "started")}
        except (OSError, ValueError, KeyError):
            continue
        found.append(Spool(file.parent, **fields))
    return sorted(found, key=lambda spool: spool.started)


def remove_spool(spool: Spool) -> None:
    """Remove a spool; what an interruption leaves of it is no spool any more."""
    (spool.folder / "spool.json").unlink(missing_ok=True)
    shutil.rmtree(spool.folder, ignore_errors=True)


class Lock:
    """A lock between processes, given back by the operating system when its holder dies: SQLite's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def acquire(self) -> bool:
        """Take the lock; False if someone else has it."""
        connection = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            connection.close()
            return False
        self._connection = connection
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a lock for a block; gives whether it was to be had."""
    lock = Lock(path)
    taken = lock.acquire()
    try:
        yield taken
    finally:
        lock.release()


def _free_folder(home: Path, name: str) -> Path:
    for number in range(1, 1000):
        folder = home / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{home / name}: too many spools of that name")
