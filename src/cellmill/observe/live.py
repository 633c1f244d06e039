"""Watches the kernel in which a notebook is written: after each cell, the same facts as a run of it would give."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellmill.notebook.magic_lines import without_magic_line
from cellmill.observe.inside.watch import Watch
from cellmill.observe.record import FORMAT, kernel_record_path, sha256

# A cell's look takes at most this part of the cell's own time, or this many seconds if that is more.
SHARE = 0.05
SECONDS = 0.02
# Beside the variables there is state, and the line that is written.
_FOR_VARIABLES = 0.5


class LiveWatch:
    """Looks at a session's variables after each cell and keeps the record of it.

    Parameters
    ----------
    shell
        The session.
    notebook
        Finds the notebook's path, if the session knows it.
    """

    def __init__(self, shell: Any, notebook: Callable[[], Path | None]) -> None:
        self._shell = shell
        self._notebook = notebook
        self._watch: Watch | None = None
        self._began = 0.0
        self._source = ""
        self._record: Path | None = None
        self.on = False

    def install(self) -> None:
        """Begin to watch, from a first look on."""
        if self.on:
            return
        self.on = True
        self._record = None
        path = self._notebook()
        folder = str(path.resolve().parent) if path is not None else ""
        self._watch = Watch(self._shell.user_ns, self._shell.user_ns_hidden, folder)
        self._watch.look(SECONDS, samples=True)
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)

    def remove(self) -> None:
        """Stop watching."""
        if self.on:
            self.on = False
            self._shell.events.unregister("pre_run_cell", self._before)
            self._shell.events.unregister("post_run_cell", self._after)

    def _before(self, info: Any) -> None:
        self._source = info.raw_cell or ""
        self._began = time.perf_counter()

    def _after(self, result: Any) -> None:
        info = getattr(result, "info", None)
        cell_id = getattr(info, "cell_id", None)
        if self._watch is None or not self._began or info is None or cell_id is None or not info.store_history:
            return
        try:
            self._look(str(cell_id), failed=not result.success)
        except Exception:
            # An author's cell must not end with an error of ours; without a record the source alone decides.
            self.remove()

    def _look(self, cell_id: str, *, failed: bool) -> None:
        assert self._watch is not None
        path = self._notebook()
        if path is None:
            return
        if self._watch.folder != (folder := str(path.resolve().parent)):
            self._watch.move(folder)
        allowed = max(SECONDS, SHARE * (time.perf_counter() - self._began))
        seen = self._watch.look(allowed * _FOR_VARIABLES, samples=True)
        body = without_magic_line(self._source)[1]
        line = {"cells": [{"id": cell_id, "sha256": sha256(body)}], "failed": failed, **seen}
        record = kernel_record_path(path)
        if record != self._record:
            record.parent.mkdir(parents=True, exist_ok=True)
            head = {"format": FORMAT, "notebook": path.name, "made": "kernel"}
            record.write_text(json.dumps(head) + "\n", encoding="utf-8")
            self._record = record
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
