"""What a scheduler does as a child of the Jupyter server: it ends with the server, also where that was killed."""

from __future__ import annotations

import os
import signal
import threading


def end_with_input() -> None:
    """Ask this process to stop as soon as its standard input ends."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
