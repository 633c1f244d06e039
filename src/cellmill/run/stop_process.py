"""Stopping a run from another process: its record says which process it is."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from cellmill.run.history import LoggedRun

# Seconds between two looks at a run that has been asked to stop.
_PAUSE = 0.1


def ask_to_stop(run: LoggedRun) -> bool:
    """Ask a run that goes on to stop, as Ctrl-C does.

    Returns
    -------
    bool
        False if its process can't be reached from here: it runs on another machine, or in another container.
    """
    if run.pid < 2 or not _holds(run.pid, run.record / "lock"):
        return False
    # A notebook's own kernel goes on after its run; a shell may have started a command with SIGINT ignored.
    wanted = signal.SIGTERM if run.as_dict()["source"] in ("cli", "schedule") else signal.SIGINT
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(run.pid, wanted)
    return True


def wait_for_end(run: LoggedRun, seconds: float) -> bool:
    """Wait until nothing more is written of a run; False if it goes on after so many seconds."""
    limit = time.monotonic() + seconds
    while not run.over:
        if time.monotonic() > limit:
            return False
        time.sleep(_PAUSE)
        run.refresh()
    return True


def _holds(pid: int, lock: Path) -> bool:
    """Whether it is this process that has the lock open: a number alone may be another process's by now."""
    try:
        handles = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return not Path("/proc/self/fd").exists()
    for handle in handles:
        with suppress(OSError):
            if os.path.samefile(f"/proc/{pid}/fd/{handle}", lock):
                return True
    return False
