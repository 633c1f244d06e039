"""Lets the Jupyter server host schedulers for a single user: processes of their own that end with the server."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from logging import Logger
from pathlib import Path
from typing import Any

from cellmill.lab.settings import CellmillLab
from cellmill.lab.worker_process import Worker

# Seconds between two looks whether a project needs a scheduler.
_LOOK = 5.0
# The pause after a scheduler that died is doubled from the first to the longest; one that lived so long begins anew.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
_LIVED = 120.0
# Seconds that runs have to end when the server does, and after which the scheduler is killed.
_PATIENCE = 5
_END = 15.0


class Hosting:
    """Sees to it that the projects below the server's root have a scheduler, if the server is set to.

    Where one serves a project already none is started; when that one goes, one is. Where one comes that no server
    hosts, the hosted one gives way. Meanwhile both may work on a store: each time is run once.

    Parameters
    ----------
    worker
        The process that reads the stores.
    server
        Jupyter's server: its settings, its log and its loop.
    """

    def __init__(self, worker: Worker, server: Any) -> None:
        self.on: bool = CellmillLab(parent=server).host_scheduler
        self._worker = worker
        self._log: Logger = server.log
        self._loop = server.io_loop
        self._hosted: dict[str, _Hosted] = {}
        self._problems: dict[str, str | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    def begin(self) -> None:
        """Look after schedulers from the moment in which the server's loop runs."""
        if self.on:
            self._log.info("cellmill: this server hosts the scheduler of the projects below its root.")
            atexit.register(self.end)
            self._loop.add_callback(self._begin)

    def end(self) -> None:
        """End all of them, within a bounded time; runs that go on are handed back to the store."""
        limit = time.monotonic() + _END
        for one in self._hosted.values():
            one.ask_to_end()
        for one in self._hosted.values():
            one.end(limit)

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:  # whatever it was, the next look may find it gone
                self._log.exception("cellmill: the hosted schedulers can't be looked after")
            waits = [one.waits for one in self._hosted.values() if one.waits is not None]
            self._ended.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), min([_LOOK, *waits]))

    async def _look(self) -> None:
        for one in self._hosted.values():
            one.look()
        status, content = await self._worker.ask("who-serves")
        if status != 200:
            self._log.warning("cellmill: %s", json.loads(content).get("message"))
            return
        for project in json.loads(content)["projects"]:
            self._tell(project["root"], project["problem"])
            if project["standalone"] and project["root"] in self._hosted:
                self._hosted[project["root"]].give_way()
            if project["wanted"] and not project["served"]:
                hosted = self._hosted.setdefault(project["root"], _Hosted(project["root"], self._log, self._ended))
                await hosted.start()

    def _tell(self, root: str, problem: str | None) -> None:
        """Say once why a store can't be used."""
        if problem != self._problems.get(root):
            self._problems[root] = problem
            if problem is not None:
                self._log.warning("cellmill: no scheduler for %s: %s", root, problem)


class _Hosted:
    """The scheduler of one project, as a child of the server."""

    def __init__(self, root: str, log: Logger, ended: asyncio.Event) -> None:
        self._root = root
        self._log = log
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pause = 0.0
        self._not_before = 0.0
        self._started = 0.0
        self._gives_way = False

    @property
    def waits(self) -> float | None:
        """Seconds until it is started again; None while it runs."""
        return None if self._process is not None else max(0.1, self._not_before - time.monotonic())

    def look(self) -> None:
        """Notice if it has ended; then it is started again, later each time."""
        process = self._process
        if process is None or process.returncode is None:
            return
        self._process = None
        if self._gives_way:
            return
        now = time.monotonic()
        self._pause = _FIRST_PAUSE if now - self._started > _LIVED else min(_LONGEST_PAUSE, 2 * self._pause or 1.0)
        self._not_before = now + self._pause
        self._log.warning(
            "cellmill: the scheduler of %s ended (%s); again in %g s.", self._root, process.returncode, self._pause
        )

    async def start(self) -> None:
        """Start it, unless it runs or has just died."""
        if self._process is not None or time.monotonic() < self._not_before:
            return
        # Here, not above: it brings in what runs pipelines, which no server start should wait for.
        from cellmill.run.command import as_process

        self._started = time.monotonic()
        self._gives_way = False
        words = ["scheduler", self._root, "--patience", f"{_PATIENCE}s", "--hosted"]
        self._process = await asyncio.create_subprocess_exec(
            *as_process(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self._root,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            # Ctrl-C in the server's terminal asks there whether to stop.
            start_new_session=True,
        )
        self._log.info("cellmill: the scheduler of %s is process %d.", Path(self._root).name, self._process.pid)
        self._reader = asyncio.create_task(self._read(self._process))

    def give_way(self) -> None:
        """Let it take no more work, and end when its runs have: another scheduler serves the project."""
        if self._process is not None and self._process.returncode is None and not self._gives_way:
            self._gives_way = True
            self._log.info("cellmill: the scheduler of %s gives way to another one.", Path(self._root).name)
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, getattr(signal, "SIGUSR1", signal.SIGTERM))

    def ask_to_end(self) -> None:
        """Let it stop taking work, and hand back what runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def end(self, limit: float) -> None:
        """Wait for its end up to a moment of the monotonic clock, then kill it; the server's loop has ended by now."""
        if self._process is None or self._process.returncode is not None:
            return
        pid = self._process.pid
        while time.monotonic() < limit:
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    time.sleep(0.05)
                    continue
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            text = line.decode(errors="replace").rstrip()
            self._log.info("cellmill: %s: %s", Path(self._root).name, text)
        await process.wait()
        self._ended.set()
