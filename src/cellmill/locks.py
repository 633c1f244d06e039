"""Waiting for a lock on a file: a run that has just ended lets go of its folder a moment after it says so."""

from __future__ import annotations

import time

# Seconds that an ending run may take to let go.
PATIENCE = 3.0
_PAUSE = 0.05


def wait_for_lock(handle: int, seconds: float = PATIENCE) -> bool:
    """Lock an open file for this process alone.

    Parameters
    ----------
    handle
        The file's descriptor; the lock ends when it is closed.
    seconds
        How long to try.

    Returns
    -------
    bool
        False if another process holds it all that time.

    Raises
    ------
    ImportError
        On Windows, which has no such lock.
    """
    import fcntl

    limit = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                return False
            time.sleep(_PAUSE)
        else:
            return True
