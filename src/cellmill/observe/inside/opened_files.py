"""Notes which files a kernel opens, so that a proof can be bound to the data that it was made with.

It runs in the notebook's kernel, by Python's own auditing, and may find any Python environment there. What C code opens
by itself (parquet, HDF5) Python is not told of; of that, cellmill knows what stands in the source.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

# Paths noted; a notebook that opens more is told to have more.
MOST = 2_000

_WRITING = frozenset("wax+")
_MOVES = frozenset(("os.rename", "os.link", "shutil.copyfile", "shutil.move"))


def watch(target: str, root: str) -> None:
    """Write a line for each file below ``root`` that this process opens from now on: ``r`` or ``w``, and the path."""
    note = _Notes(open(target, "a", encoding="utf-8"), os.path.realpath(root) + os.sep)  # noqa: SIM115 - to the end
    sys.addaudithook(note.hook)


class _Notes:
    def __init__(self, file: Any, root: str) -> None:
        self.file = file
        self.root = root
        self.ours = tuple(os.path.realpath(one) + os.sep for one in {sys.prefix, sys.base_prefix})
        self.seen: set[tuple[str, str]] = set()
        self.busy = False
        self.ways: dict[str, Callable[[Any], None]] = {"open": self.opened, "sqlite3.connect": self.connected}

    def hook(self, event: str, arguments: Any) -> None:
        """Take an audit event; never fail, as that would fail what is audited."""
        way = self.moved if event in _MOVES else self.ways.get(event)
        if way is None or self.busy:
            return
        self.busy = True
        with contextlib.suppress(Exception):
            way(arguments)
        self.busy = False

    def opened(self, arguments: Any) -> None:
        path, mode, flags = arguments
        if isinstance(mode, str):
            writes = bool(_WRITING & set(mode))
        else:
            writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        self.note("w" if writes else "r", path)

    def connected(self, arguments: Any) -> None:
        # What a connection does is not known; a database that is only read stays as it was.
        self.note("r", arguments[0])

    def moved(self, arguments: Any) -> None:
        self.note("r", arguments[0])
        self.note("w", arguments[1])

    def note(self, kind: str, path: Any) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        found = os.path.realpath(os.fsdecode(path))
        if not found.startswith(self.root) or found.startswith(self.ours) or "site-packages" in found:
            return
        if (kind, found) not in self.seen and len(self.seen) <= MOST:
            self.seen.add((kind, found))
            self.file.write(f"{kind} {found}\n")
            self.file.flush()
