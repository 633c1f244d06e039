"""Stopping: one switch that Ctrl-C, a time limit or a caller sets, and the kernel processes that then end at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, Protocol, TypeVar

from cellmill.run.memory import MemoryWatch

T = TypeVar("T")

EndReason = Literal["stopped", "timeout", "memory"]

# Seconds between the interrupt, which lets `finally` blocks of a cell run, and the kill.
GRACE = 2.0

# The longest that a signal may wait until it is seen to, in seconds.
_SIGNAL_LOOK = 0.5

# Seconds between two looks at a process that is about to end.
_LOOK = 0.005


class Process(Protocol):
    """What is needed of a ``subprocess.Popen``."""

    @property
    def pid(self) -> int: ...  # noqa: D102

    def poll(self) -> int | None: ...  # noqa: D102

    def wait(self, timeout: float | None = None) -> int: ...  # noqa: D102

    def terminate(self) -> None: ...  # noqa: D102

    def kill(self) -> None: ...  # noqa: D102


class RunningKernel:
    """A kernel process that may be ended from a signal handler or from another thread.

    The first reason to end it counts. A kernel that is still starting is killed at once; one that runs cells is
    interrupted first and killed after a short grace.
    """

    def __init__(self) -> None:
        self.reason: EndReason | None = None
        self._process: Process | None = None
        self._ready = False
        self._timers: list[threading.Timer] = []
        self._watch: MemoryWatch | None = None
        # A signal handler may run while its own thread holds the lock.
        self._lock = threading.RLock()

    def started(self, process: Process) -> None:
        """Take over the process; it ends at once if its end was asked for while it was being made."""
        with self._lock:
            self._process = process
            if self.reason is not None:
                self._send("SIGKILL")

    def ready(self, timeout: float | None) -> None:
        """Say that it takes cells from now on, for ``timeout`` seconds at most."""
        with self._lock:
            self._ready = True
            if timeout is not None:
                self._later(timeout, self.end, "timeout")

    def limit_memory(self, limit: int) -> None:
        """End the process when it and those that it starts hold more than so many bytes."""
        with self._lock:
            if self._process is not None:
                self._watch = MemoryWatch(self._process.pid, limit, lambda: self.end("memory"))
                self._watch.start()

    @property
    def peak(self) -> int:
        """The most bytes that a process with a limit has held."""
        return self._watch.peak if self._watch is not None else 0

    def end(self, reason: EndReason) -> None:
        """End the process; harmless when it has ended."""
        with self._lock:
            if self.reason is not None:
                return
            self.reason = reason
            if not self._ready or reason == "memory":
                # What takes memory takes more of it while somebody asks it to end.
                self._send("SIGKILL")
                return
            self._send("SIGINT")
            self._later(GRACE, self._send, "SIGKILL")

    def close(self) -> None:
        """Make sure that the process is gone, and forget it."""
        with self._lock:
            for timer in self._timers:
                timer.cancel()
            if self._watch is not None:
                self._watch.close()
            process = self._process
            if process is not None and process.poll() is None:
                self._send("SIGKILL")
                process.wait()
            self._process = None

    def exit_code(self) -> int | None:
        """The process's exit code; negative for a signal; None while it runs."""
        with self._lock:
            return self._process.poll() if self._process is not None else None

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended, for so long at most."""
        end = time.monotonic() + seconds
        while self.exit_code() is None and time.monotonic() < end:
            time.sleep(_LOOK)

    def _later(self, seconds: float, do: Any, *arguments: Any) -> None:
        timer = threading.Timer(seconds, do, arguments)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _send(self, name: Literal["SIGINT", "SIGKILL"]) -> None:
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None:
                return
            if not hasattr(os, "killpg"):
                process.terminate()
                return
            try:
                # Jupyter starts each kernel as the leader of its own group: its worker processes end with it.
                os.killpg(process.pid, getattr(signal, name))
            except OSError:
                process.kill()


class StopSwitch:
    """Asks a run to stop: no further cell starts, and the kernels that run now are ended. Thread-safe."""

    def __init__(self) -> None:
        self.requested = False
        self._kernels: set[RunningKernel] = set()
        self._lock = threading.RLock()

    def request(self) -> None:
        """Stop the run."""
        with self._lock:
            self.requested = True
            for kernel in tuple(self._kernels):
                kernel.end("stopped")

    @contextmanager
    def kernel(self) -> Iterator[RunningKernel]:
        """Give a kernel that this switch ends, and that is gone when the block is left in whatever way."""
        kernel = RunningKernel()
        with self._lock:
            self._kernels.add(kernel)
            if self.requested:
                kernel.end("stopped")
        try:
            yield kernel
        finally:
            kernel.close()
            with self._lock:
                self._kernels.discard(kernel)


def first_ended(running: Iterable[Future[T]]) -> set[Future[T]]:
    """Wait until some of the futures are done; those that are.

    A signal that comes just before a wait begins, or that another thread is given, does not end the wait: Python's own
    handler runs when the main thread goes on. So it looks again and again.
    """
    while not (done := wait(running, _SIGNAL_LOOK, return_when=FIRST_COMPLETED).done):
        pass
    return done


class SignalWatch:
    """Turns Ctrl-C, SIGTERM and SIGHUP into a request to stop while a run goes on.

    Before :attr:`executing` is set nothing is written yet, so the signal breaks off at once by KeyboardInterrupt; a
    second signal always does. Signals that were ignored stay ignored (``nohup``, background jobs).
    """

    def __init__(self, stop: StopSwitch) -> None:
        self.executing = False
        self._stop = stop
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> SignalWatch:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        again = self._stop.requested
        self._stop.request()
        if again or not self.executing:
            raise KeyboardInterrupt
