"""Finds or starts the warm process that a kernel may be forked from; says once where there can be none."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cellmill.run.warm.imports import Imported
from cellmill.run.warm.kept_processes import keep, take_kept
from cellmill.run.warm.process import CannotWarm, Latest, LeftOut, WarmKernel, WarmProcess
from cellmill.run.warm.spare import SpareKernel

# Variables that are different for each kernel; none of the libraries that are imported beforehand reads them.
_OF_ONE_KERNEL = ("JPY_", "MLFLOW_", "_MLFLOW_", "PYTEST_CURRENT_TEST")

_LAUNCHER = ["-m", "ipykernel_launcher"]

Key = tuple[Any, ...]
Forked = tuple[WarmKernel, dict[str, Any] | None]


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

    Attributes
    ----------
    expected
        How many kernels will still be needed; as long as more are to come, one is forked while others work.
    """

    def __init__(
        self,
        imports: Sequence[Imported] = (),
        notify: Callable[[str], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._imports = list(imports)
        self._notify = notify
        self.expected = 0
        self._closed = False
        self._no_longer = cancelled
        self._processes: dict[Key, WarmProcess] = {}
        self._retired: list[WarmProcess] = []
        self._cold: set[Key] = set()
        self._refused: dict[Key, str] = {}
        self._spares: dict[Key, list[SpareKernel]] = {}
        self._last: Key | None = None
        self._lock = threading.RLock()
        self._owner = os.getpid()

    def begin(self, kernel_name: str, variables: Mapping[str, str], folder: str) -> None:
        """Start the process that such kernels will be forked from, in a thread, before the first is needed.

        Nothing is lost where none of them will be.
        """
        # What this imports, two threads must not import at once.
        key = _key(_launch_command(kernel_name), variables, folder)
        if key is not None and _can_fork():
            threading.Thread(target=self._begin, args=(key, folder), daemon=True).start()

    def _begin(self, key: Key, folder: str) -> None:
        with self._lock:
            if self._is_cancelled():
                return
            try:
                process = self._process(key, folder)
            except CannotWarm as error:
                # Told when a kernel is needed.
                self._refused[key] = str(error)
            else:
                # One that was kept for this run: the first kernel need not wait for its fork either.
                self._prepare(key, process)

    def fork(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: str,
        streams: list[int],
        connection_file: str | None = None,
    ) -> Forked | None:
        """Fork a kernel, or give a spare one; None where it has to be started in the ordinary way.

        Parameters
        ----------
        command
            The whole command line that would start it.
        variables, folder, streams
            As for :meth:`WarmProcess.fork`.
        connection_file
            The file that the command names; where it is given, the kernel may be one with another connection.

        Returns
        -------
        tuple of WarmKernel, dict or None
            The connection is told where it is not that of the file.
        """
        key = _key(command, variables, folder)
        if key is None:
            return None  # no kernel of ipykernel's
        with self._lock:
            if not _can_fork():
                self._say(key, "only Linux allows it")
            if key in self._refused:
                self._say(key, self._refused[key])
            if key in self._cold or self._is_cancelled():
                return None
            self.expected -= 1
            try:
                process = self._process(key, folder)
                found = self._spare(key, variables) if connection_file is not None else None
                found = found or (process.fork(variables, folder, command, streams), None)
            except CannotWarm as error:
                if not self._is_cancelled():
                    self._say(key, str(error))
                return None
            if connection_file is not None:
                words = [word.replace(connection_file, "{connection_file}") for word in command]
                process.latest = Latest(dict(variables), folder, words)
                self._last = key
            return found

    def prepare(self) -> None:
        """Fork a kernel like the last one, if one more will be needed than wait already."""
        with self._lock:
            waiting = sum(map(len, self._spares.values()))
            if self._last is None or self.expected <= waiting or self._is_cancelled():
                return
            process = self._processes.get(self._last)
            if process is not None and process.is_usable:
                self._prepare(self._last, process)

    def _prepare(self, key: Key, process: WarmProcess) -> None:
        if process.latest is None:
            return
        variables, folder, command = process.latest
        lasting = {name: value for name, value in variables.items() if not _is_of_one_kernel(name)}
        with suppress(CannotWarm, OSError):  # the next kernel is then forked when it is needed
            self._spares.setdefault(key, []).append(SpareKernel(process, lasting, folder, command))

    def _spare(self, key: Key, variables: Mapping[str, str]) -> Forked | None:
        while waiting := self._spares.get(key):
            spare = waiting.pop(0)
            try:
                own = {name: value for name, value in variables.items() if _is_of_one_kernel(name)}
                return spare.take(own), spare.connection
            except CannotWarm:
                spare.discard()
        return None

    @property
    def imports(self) -> set[Imported]:
        """What its processes import."""
        return set(self._imports)

    @property
    def is_ready(self) -> bool:
        """True once a process waits with all of it."""
        return bool(self._processes)

    @property
    def is_own(self) -> bool:
        """False in a process that was forked from the one that made this."""
        return self._owner == os.getpid()

    def close(self) -> None:
        """End all processes and the kernels that were forked from them."""
        if not self.is_own:
            return
        self._closed = True
        with self._lock:
            self._discard_spares()
            for key, process in self._processes.items():
                if not keep((key, tuple(self._imports)), process):
                    process.close()
            for process in self._retired:
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
                process = take_kept((key, tuple(self._imports))) or WarmProcess(
                    key[0], dict(key[1]), folder, self._imports, self._is_cancelled
                )
            except LeftOut as error:
                self._imports = [entry for entry in self._imports if entry.module != str(error)]
                continue
            self._processes[key] = process
            return process

    def _retire(self) -> None:
        """Only one process waits at a time: others end as soon as their kernels have."""
        self._discard_spares()
        waiting = [*self._processes.values(), *self._retired]
        self._processes.clear()
        self._retired = [process for process in waiting if not process.is_idle]
        for process in waiting:
            if process.is_idle:
                process.close()

    def _is_cancelled(self) -> bool:
        return self._closed or self._no_longer()

    def _discard_spares(self) -> None:
        for waiting in self._spares.values():
            for spare in waiting:
                spare.discard()
        self._spares.clear()

    def _say(self, key: Key, reason: str) -> None:
        if not self._cold:
            self._notify(f"The steps' kernels are started without warm imports: {reason}.")
        self._cold.add(key)


def _launch_command(kernel_name: str) -> list[str]:
    """The command that starts such a kernel; empty where there is none."""
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import KernelManager

    try:
        return [os.path.expanduser(word) for word in KernelManager(kernel_name=kernel_name).format_kernel_cmd()]
    except (NoSuchKernel, OSError, ValueError):
        return []


def _key(command: Sequence[str], variables: Mapping[str, str], folder: str) -> Key | None:
    """What kernels that are forked from one process have in common."""
    place = next((i for i in range(1, len(command)) if list(command[i : i + 2]) == _LAUNCHER), None)
    if place is None:
        return None
    return tuple(command[:place]), _lasting(variables), os.path.realpath(folder), _limits()


def _can_fork() -> bool:
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and os.path.isdir("/proc/self/task")


def _lasting(variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in variables.items() if not _is_of_one_kernel(item[0])))


def _is_of_one_kernel(name: str) -> bool:
    return name.startswith(_OF_ONE_KERNEL)


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
