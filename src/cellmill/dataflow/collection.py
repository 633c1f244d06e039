"""Garbage in circles is collected after an analysis, not in the middle of it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """Let Python's cyclic garbage collector wait.

    An analysis makes many small objects and keeps nearly all of them until it ends, so that the collector finds
    nothing, again and again; in a process that holds much else, as JupyterLab's server does, it looks through that too.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
