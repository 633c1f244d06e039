"""Warm processes that stay for the next run of the same program: a notebook's kernel runs its pipeline many times."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Hashable

from cellmill.run.warm.process import WarmProcess

# Seconds that a process may wait for the next run.
LONGEST = 600.0
# Seconds that its last kernels may take to end.
_ENDING = 0.5
_LOOK = 0.005

_door = threading.Lock()
_kept: dict[Hashable, tuple[WarmProcess, threading.Timer]] = {}
_owners: list[int] = []


def keep_warm_processes() -> None:
    """Let what a run in this program has imported stay for ten minutes, for the next run.

    That are the process that kernels are forked from, for a run with the same imports, and the one that recorders are.
    """
    if not keeps_processes():
        _owners[:] = [os.getpid()]
        atexit.register(_close_all)


def keeps_processes() -> bool:
    """Whether this program keeps them; not what was forked from it."""
    return os.getpid() in _owners


def keep(key: Hashable, process: WarmProcess) -> bool:
    """Keep a process; False if it is to be closed: none are kept, or a kernel of it goes on."""
    if not keeps_processes() or not process.is_usable:
        return False
    end = time.monotonic() + _ENDING
    while not process.is_idle:
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK)
    timer = threading.Timer(LONGEST, _close, (key,))
    timer.daemon = True
    # One only: each holds the memory of what it has imported.
    _close_all()
    with _door:
        _kept[key] = process, timer
    timer.start()
    return True


def take_kept(key: Hashable) -> WarmProcess | None:
    """Take a process that waits, if there is one with this key that can still be used."""
    with _door:
        process, timer = _kept.pop(key, (None, None))
    if process is None or timer is None or not keeps_processes():
        return None
    timer.cancel()
    if process.is_usable:
        return process
    process.close()
    return None


def _close(key: Hashable) -> None:
    with _door:
        process, timer = _kept.pop(key, (None, None))
    if process is not None and timer is not None and keeps_processes():
        timer.cancel()
        process.close()


def _close_all() -> None:
    for key in tuple(_kept):
        _close(key)
