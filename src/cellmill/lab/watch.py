"""Watches the workspace while somebody looks: which runs went on, which pipelines appeared or changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from logging import Logger
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cellmill.lab.root import Root
from cellmill.run.history import GOING

if TYPE_CHECKING:
    from cellmill.lab.runs import Runs

T = TypeVar("T")

# Seconds between two looks at runs that go on, at the pipelines that are known, and through all folders.
_PAUSE = 0.25
_PIPELINES = 1.0
_FOLDERS = 15.0
_AFTER_ERROR = 5.0
_FILES = (".certificate.json", ".promotion.json", "cellmill.yaml", "env.yaml", "pipeline.yaml")


class Listener:
    """What one browser has not been told yet; of a run that changed twice only how it is now."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.pipelines = False
        self.wake = asyncio.Event()

    def take(self) -> tuple[list[dict[str, Any]], bool]:
        """What is new: runs, and whether pipelines changed."""
        runs, pipelines = list(self.runs.values()), self.pipelines
        self.runs, self.pipelines = {}, False
        self.wake.clear()
        return runs, pipelines


class Watch:
    """Keeps the runs, in a thread of its own, and tells listeners what changed.

    Parameters
    ----------
    root
        The server's root.
    log
        The server's log.
    """

    def __init__(self, root: Root, log: Logger) -> None:
        self._root = root
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cellmill-runs")
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._runs: Runs | None = None
        self._pipelines: dict[Path, tuple[int, ...]] | None = None
        self._projects: set[Path] = set()
        self._looked_at: dict[str, float] = {}

    async def with_runs(self, do: Callable[[Runs], T]) -> T:
        """Do something with the runs, in their thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: do(self._opened()))

    async def listen(self) -> Listener:
        """Begin to listen: the runs that go on are told first."""
        listener = Listener()
        # Before anything is read: what changes meanwhile is then told too.
        self._listeners.add(listener)
        going = await self.with_runs(_that_go_on)
        listener.runs = {run["run_id"]: run for run in going} | listener.runs
        listener.wake.set()
        self.follow()
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no longer."""
        self._listeners.discard(listener)

    def follow(self) -> None:
        """Go on watching as long as somebody listens or a process has to be waited for."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def pipelines_changed(self) -> None:
        """Tell all who listen that the list of pipelines is another one, and look through all folders soon.

        Of what no file shows, as of a paused schedule, nothing else tells.
        """
        self._looked_at.clear()
        for listener in self._listeners:
            listener.pipelines = True
            listener.wake.set()

    async def _watch(self) -> None:
        going = True
        while self._listeners or going:
            try:
                changed, pipelines, going = await self.with_runs(self._look)
            except Exception:  # a look that fails must not end the watching
                self._log.exception("cellmill: the runs can't be read")
                await asyncio.sleep(_AFTER_ERROR)
                continue
            for listener in self._listeners:
                listener.runs |= {run["run_id"]: run for run in changed}
                listener.pipelines |= pipelines
                if changed or pipelines:
                    listener.wake.set()
            await asyncio.sleep(_PAUSE)

    def _look(self, runs: Runs) -> tuple[list[dict[str, Any]], bool, bool]:
        """In the thread: what changed since the last look."""
        pipelines = False
        if self._listeners and self._is_time("folders", _FOLDERS):
            found = runs.find()
            self._projects = {self._root.folder, *found.with_runs}
            now = {folder: _state(folder) for folder in found.pipelines}
            pipelines = self._pipelines is not None and now != self._pipelines
            self._pipelines = now
        elif self._listeners and self._is_time("pipelines", _PIPELINES):
            now = {folder: _state(folder) for folder in self._pipelines_near()}
            pipelines = now != self._pipelines
            self._pipelines = now
        return runs.changed(), pipelines, runs.going

    def _pipelines_near(self) -> set[Path]:
        """The pipelines that are known, and new ones where promotion from a cell or a terminal puts them."""
        known = set(self._pipelines or ())
        homes = {project / "pipelines" for project in self._projects}
        homes |= {folder.parent for folder in known if folder.parent.name == "pipelines"}
        found = [file.parent for home in homes if not home.is_symlink() for file in home.glob("*/pipeline.yaml")]
        return known | {folder for folder in found if not folder.is_symlink()}

    def _is_time(self, what: str, pause: float) -> bool:
        now = time.monotonic()
        if now - self._looked_at.get(what, -pause) < pause:
            return False
        self._looked_at[what] = now
        return True

    def _opened(self) -> Runs:
        if self._runs is None:
            # Here, not above: it brings in what reads pipelines, which no server start should wait for.
            from cellmill.lab.runs import Runs

            self._runs = Runs(self._root)
            self._runs.find()
        return self._runs


def _state(folder: Path) -> tuple[int, ...]:
    """Times of change of the files that make a pipeline, and of its notebook."""
    from cellmill.lab.pipelines import promotion_of, source_of

    times = []
    for path in (*(folder / name for name in _FILES), source_of(folder, promotion_of(folder))):
        try:
            times.append(path.stat().st_mtime_ns if path is not None else 0)
        except OSError:
            times.append(0)
    return tuple(times)


def _that_go_on(runs: Runs) -> list[dict[str, Any]]:
    return [run for run in runs.newest() if run["state"] in GOING]
