"""Finds or starts the warm process that a kernel may be forked from; says once where there can be none."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cellmill.run.warm.imports import Imported
from cellmill.run.warm.process import CannotWarm, LeftOut, WarmKernel, WarmProcess

# Variables that are different for each kernel; none of the libraries that are imported beforehand reads them.
_OF_ONE_KERNEL = ("JPY_", "MLFLOW_", "_MLFLOW_")

_LAUNCHER = ["-m", "ipykernel_launcher"]

Key = tuple[Any, ...]


class WarmPool:
    """The warm processes of one run, or of one program.

    Parameters
    ----------
    imports
        What the processes import.
    notify
        Called with a sentence, once, when kernels start in the ordinary way after all.
    cancelled
        Asked while a process imports: True if nobody waits for it any more.
    """

    def __init__(
        self,
        imports: Sequence[Imported] = (),
        notify: Callable[[str], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._imports = list(imports)
        self._notify = notify
        self._cancelled = cancelled
        self._processes: dict[Key, WarmProcess] = {}
        self._retired: list[WarmProcess] = []
        self._cold: set[Key] = set()
        self._lock = threading.RLock()
        self._owner = os.getpid()

    def fork(
        self, command: Sequence[str], variables: Mapping[str, str], folder: str, streams: list[int]
    ) -> WarmKernel | None:
        """Fork a kernel; None where it has to be started in the ordinary way.

        Parameters
        ----------
        command
            The whole command line that would start it.
        variables, folder, streams
            As for :meth:`WarmProcess.fork`.
        """
        place = next((i for i in range(1, len(command)) if list(command[i : i + 2]) == _LAUNCHER), None)
        if place is None:
            return None  # no kernel of ipykernel's
        key = (tuple(command[:place]), _lasting(variables), os.path.realpath(folder), _limits())
        with self._lock:
            if not _can_fork():
                self._say(key, "only Linux allows it")
            if key in self._cold or self._cancelled():
                return None
            try:
                return self._process(key, folder).fork(variables, folder, command, streams)
            except CannotWarm as error:
                if not self._cancelled():
                    self._say(key, str(error))
                return None

    @property
    def is_own(self) -> bool:
        """False in a process that was forked from the one that made this."""
        return self._owner == os.getpid()

    def close(self) -> None:
        """End all processes and the kernels that were forked from them."""
        if not self.is_own:
            return
        with self._lock:
            for process in (*self._processes.values(), *self._retired):
                process.close()
            self._processes.clear()
            self._retired.clear()

    def _process(self, key: Key, folder: str) -> WarmProcess:
        process = self._processes.get(key)
        if process is not None and process.is_usable:
            return process
        self._retire()
        while True:
            try:
                process = WarmProcess(key[0], dict(key[1]), folder, self._imports, self._cancelled)
            except LeftOut as error:
                self._imports = [entry for entry in self._imports if entry.module != str(error)]
                continue
            self._processes[key] = process
            return process

    def _retire(self) -> None:
        """Only one process waits at a time: others end as soon as their kernels have."""
        waiting = [*self._processes.values(), *self._retired]
        self._processes.clear()
        self._retired = [process for process in waiting if not process.is_idle]
        for process in waiting:
            if process.is_idle:
                process.close()

    def _say(self, key: Key, reason: str) -> None:
        if not self._cold:
            self._notify(f"The steps' kernels are started without warm imports: {reason}.")
        self._cold.add(key)


def _can_fork() -> bool:
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and os.path.isdir("/proc/self/task")


def _lasting(variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in variables.items() if not item[0].startswith(_OF_ONE_KERNEL)))


def _limits() -> tuple[Any, ...]:
    """What a child process takes over from this one, beside its environment."""
    import resource

    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    umask = ""
    with suppress(OSError), open("/proc/self/status") as file:
        umask = next((line for line in file if line.startswith("Umask:")), "")
    return (
        tuple(resource.getrlimit(getattr(resource, name)) for name in names),
        umask,
        tuple(sorted(os.sched_getaffinity(0))),
        os.getpriority(os.PRIO_PROCESS, 0),
        os.getresuid(),
        os.getresgid(),
    )
