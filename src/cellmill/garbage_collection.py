"""Garbage in circles is collected after an analysis or an import, not in the middle of it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """Let Python's cyclic garbage collector wait.

    An analysis makes many small objects and keeps nearly all of them until it ends, so that the collector finds
    nothing, again and again; in a process that holds much else, as JupyterLab's server does, it looks through that too.
    Of the import of a large library, which keeps all that it makes, it takes a quarter of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def never_collected() -> Iterator[None]:
    """Let the collector wait, and never look at what is there at the end: what a process of our own has imported."""
    with collected_later():
        yield
        gc.freeze()
