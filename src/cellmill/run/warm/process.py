"""One warm process seen from the process that started it, and the kernels that it forks."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from cellmill.run.warm.imports import VETTED, Imported

_SIZE = struct.Struct("!I")

# Seconds that the imports and a fork may take, and between two looks whether the imports are still wanted.
_PATIENCE = 120.0
_FORK_PATIENCE = 30.0
_LOOK = 0.05

_CODE = """
import sys
if sys.path[0] == "": del sys.path[0]
import importlib.util
spec = importlib.util.spec_from_file_location("_cellmill_warm", {file!r}, submodule_search_locations=[{folder!r}])
sys.modules["_cellmill_warm"] = importlib.util.module_from_spec(spec)
from _cellmill_warm.serve import main
main()
"""


class CannotWarm(Exception):
    """The process can't fork kernels; says why."""


class LeftOut(Exception):
    """One of the imports must be left out; gives its module."""


class WarmKernel:
    """A forked kernel, with what Jupyter and a run use of ``subprocess.Popen``.

    Attributes
    ----------
    place
        The folder of its sockets, where it is the kernel's own and goes with it.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.place: Path | None = None
        self.returncode: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Give its exit code, negative for a signal; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after ``timeout`` seconds.
        """
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("warm kernel", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def ended(self, code: int) -> None:
        """Note that it has ended."""
        if self.place is not None:
            shutil.rmtree(self.place, ignore_errors=True)
        self.returncode = code
        self._ended.set()


class Latest(NamedTuple):
    """What the last kernel was started with; ``{connection_file}`` stands for its file in the command."""

    variables: Mapping[str, str]
    folder: str
    command: Sequence[str]


class WarmProcess:
    """A process that has imported and waits; it ends when this one does, or closes it.

    Attributes
    ----------
    latest
        What the last kernel that may be followed by one of its kind was started with.

    Raises
    ------
    LeftOut
        If an import fails, or changes something that must not change in other kernels.
    CannotWarm
        If a fork would not be safe.
    """

    def __init__(
        self,
        interpreter: Sequence[str],
        variables: Mapping[str, str],
        folder: str,
        imports: Sequence[Imported],
        cancelled: Callable[[], bool],
    ) -> None:
        self.latest: Latest | None = None
        self._kernels: dict[int, WarmKernel] = {}
        self._requests = threading.Lock()
        self._asked = 0
        self._started: dict[int, WarmKernel] = {}
        self._news = threading.Condition()
        self._gone = False
        self._socket, other = socket.socketpair()
        inside = Path(__file__).parent / "inside"
        code = _CODE.format(file=str(inside / "__init__.py"), folder=str(inside))
        wanted = json.dumps({"imports": imports, "vetted": sorted(VETTED)})
        with other:
            self._process = subprocess.Popen(
                [*interpreter, "-c", code, str(other.fileno()), wanted],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(variables),
                cwd=folder,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        try:
            message = self._first_message(cancelled)
            if "left_out" in message:
                raise LeftOut(message["left_out"])
            if "refused" in message:
                raise CannotWarm(message["refused"])
        except BaseException:
            self.close()
            raise
        self._folders: list[tuple[str, int]] = message["folders"]
        self._reader = threading.Thread(target=self._read, name="cellmill-warm", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_usable(self) -> bool:
        """True while it lives and no package was installed or removed since it imported."""
        return not self._gone and all(_changed(path) == time_ for path, time_ in self._folders)

    @property
    def is_idle(self) -> bool:
        """True if none of its kernels runs."""
        return not self._kernels

    def fork(self, variables: Mapping[str, str], folder: str, command: Sequence[str], streams: list[int]) -> WarmKernel:
        """Fork a kernel.

        Parameters
        ----------
        variables, folder, command
            The kernel's whole environment, its folder and its command line.
        streams
            Descriptors for its stdin, stdout and stderr.

        Raises
        ------
        CannotWarm
            If the process has ended.
        """
        return self.forked(self.ask(variables, folder, command, streams))

    def ask(self, variables: Mapping[str, str], folder: str, command: Sequence[str], streams: list[int]) -> int:
        """Have a kernel forked, as :meth:`fork` does, without waiting for it; give the request's number."""
        with self._requests:
            self._asked += 1
            request = {"number": self._asked, "variables": dict(variables), "folder": folder, "command": list(command)}
            content = json.dumps(request).encode()
            try:
                socket.send_fds(self._socket, [_SIZE.pack(len(content))], streams)
                self._socket.sendall(content)
            except OSError as error:
                raise CannotWarm("the warm process has ended") from error
            return self._asked

    def forked(self, number: int) -> WarmKernel:
        """Give the kernel that was asked for; waits for it.

        Raises
        ------
        CannotWarm
            If the process has ended.
        """
        with self._news:
            if not self._news.wait_for(lambda: number in self._started or self._gone, timeout=_FORK_PATIENCE):
                # A library hangs in what it does at a fork.
                self._process.kill()
            if number not in self._started:
                raise CannotWarm("the warm process has ended")
            return self._started.pop(number)

    def close(self) -> None:
        """End it and its kernels; harmless when it has ended."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(timeout=0.5 if self._kernels or not self._gone else 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if hasattr(self, "_reader") and threading.current_thread() is not self._reader:
            self._reader.join()
        self._socket.close()

    def _first_message(self, cancelled: Callable[[], bool]) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE
        while not select.select([self._socket], [], [], _LOOK)[0]:
            if cancelled():
                raise CannotWarm("the run was stopped")
            if time.monotonic() > end:
                raise CannotWarm(f"the imports took longer than {_PATIENCE:g} s")
        message = self._receive()
        if message is None:
            raise CannotWarm(f"the imports ended the process (exit code {self._process.wait()})")
        return message

    def _read(self) -> None:
        while (message := self._receive()) is not None:
            with self._news:
                if "started" in message:
                    kernel = self._kernels[message["started"]] = WarmKernel(message["started"])
                    self._started[message["number"]] = kernel
                    self._news.notify_all()
                else:
                    self._kernels.pop(message["ended"]).ended(message["code"])
        with self._news:
            self._gone = True
            for kernel in self._kernels.values():
                # The kernels die with the process; what they started may not.
                with suppress(OSError):
                    os.killpg(kernel.pid, signal.SIGKILL)
                kernel.ended(-signal.SIGKILL)
            self._kernels.clear()
            self._news.notify_all()

    def _receive(self) -> dict[str, Any] | None:
        head = self._bytes(_SIZE.size)
        content = self._bytes(_SIZE.unpack(head)[0]) if head is not None else None
        return json.loads(content) if content is not None else None

    def _bytes(self, number: int) -> bytes | None:
        content = b""
        while len(content) < number:
            try:
                part = self._socket.recv(number - len(content))
            except OSError:
                return None
            if not part:
                return None
            content += part
        return content


def _changed(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None
