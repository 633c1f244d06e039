"""A project with schedules of one small notebook, and a real scheduler that serves it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from measure import SCRIPTS

# What a scheduler tells of a schedule that it has read.
_READY = "cellmill_schedules"


@dataclass(frozen=True)
class Tick:
    """When a time was due, claimed, started and ended, in seconds since the epoch."""

    name: str
    state: str
    due: float
    claimed: float
    started: float
    ended: float


@dataclass(frozen=True)
class Served:
    """A project that a scheduler serves."""

    root: Path
    process: subprocess.Popen[bytes]

    @property
    def store(self) -> Path:
        """Its SQLite file."""
        return self.root / ".cellmill" / "schedules.db"

    def wait_until_read(self, number: int) -> None:
        """Wait until so many schedules are stored."""
        while self._query(f"SELECT count(*) FROM {_READY} WHERE NOT removed") != [(number,)]:
            if self.process.poll() is not None:
                raise RuntimeError(f"the scheduler ended: {self.log()}")
            time.sleep(0.2)

    def ticks(self) -> list[Tick]:
        """Those that have ended, the first due first."""
        rows = self._query(
            "SELECT name, state, due, claimed, cellmill_ticks.started, ended FROM cellmill_ticks "
            f"JOIN {_READY} ON {_READY}.id = schedule_id WHERE ended IS NOT NULL ORDER BY due"
        )
        return [Tick(*row) for row in rows]

    def wait_for(self, number: int, seconds: float) -> list[Tick]:
        """The ticks once so many have ended, each with success."""
        limit = time.monotonic() + seconds
        while len(found := self.ticks()) < number:
            if time.monotonic() > limit or self.process.poll() is not None:
                raise RuntimeError(f"{len(found)} of {number} runs have ended: {self.log()}")
            time.sleep(1.0)
        wrong = [tick for tick in found if tick.state != "succeeded"]
        if wrong:
            raise RuntimeError(f"{len(wrong)} runs did not succeed, the first: {wrong[0]}: {self.log()}")
        return found

    def log(self) -> str:
        """The end of what the scheduler wrote."""
        return (self.root / "scheduler.log").read_text()[-2000:]

    def processor_seconds(self) -> float:
        """Of the scheduler and the processes that it keeps."""
        import psutil

        own = psutil.Process(self.process.pid)
        taken = 0.0
        for one in [own, *own.children(recursive=True)]:
            times = one.cpu_times()
            taken += times.user + times.system
        return taken

    def _query(self, query: str) -> list[Any]:
        if not self.store.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:  # its tables are being made
                return []


@contextmanager
def served(schedules: Sequence[dict[str, Any]], *options: str) -> Iterator[Served]:
    """Make a project of a notebook with these schedules, and serve it."""
    root = Path(tempfile.mkdtemp(prefix="cellmill-")).resolve()
    (root / "pyproject.toml").touch()
    write_notebook(root / "notebooks" / "small.ipynb")
    entries = [{"notebook": "small.ipynb", **one} for one in schedules]
    (root / "notebooks" / "cellmill.yaml").write_text(yaml.safe_dump({"schedule": entries}, sort_keys=False))
    environment = {name: value for name, value in os.environ.items() if name not in ("CELLMILL_STORE", "COLUMNS")}
    with (root / "scheduler.log").open("wb") as log:
        process = subprocess.Popen(
            [str(SCRIPTS / "cellmill"), "scheduler", *options],
            cwd=root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        found = Served(root, process)
        found.wait_until_read(len(entries))
        yield found
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(90)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(root, ignore_errors=True)


def write_notebook(path: Path) -> None:
    """The small notebook that all sides run: two cells, no imports."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(("numbers = list(range(1000))", "print(sum(numbers))"))
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
