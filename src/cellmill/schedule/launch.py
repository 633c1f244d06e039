"""Starts the run of a tick as a process of its own, which outlives the scheduler, and watches it by its record."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.run.command import as_process
from cellmill.run.log import hold, write_header
from cellmill.run.warm.kept_processes import LONGEST

# Seconds that the process that is kept may take to end.
_LAST_WORD = 5.0


@dataclass(frozen=True)
class Order:
    """What is to be run.

    Attributes
    ----------
    folder
        The pipeline's folder.
    words
        What follows ``cellmill run FOLDER``.
    environment
        Further variables of the process.
    """

    root: Path
    folder: Path
    words: Sequence[str]
    parameters: Mapping[str, Any]
    profile: str | None
    environment: Mapping[str, str]


class Launcher:
    """Starts the runs of one scheduler, from a process that holds what every run imports where that is possible."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = 0.0

    def prepare(self) -> None:
        """Begin the imports, if they have not begun: a run will be started soon."""
        self._wanted = time.monotonic()
        if sys.platform != "linux" or (self._process is not None and self._process.poll() is None):
            return
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cellmill.schedule.run_fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Its libraries' own threads would be cut off by a fork; runs get the scheduler's own variables.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._requests = ours

    def rest(self) -> None:
        """Give back the memory of what no run has needed for a while."""
        if self._process is not None and time.monotonic() - self._wanted > LONGEST:
            self.close()

    def close(self) -> None:
        """Keep no process any more; runs that go on go on."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            try:
                # It still forks what it was asked for before it sees that nobody is there.
                self._process.wait(_LAST_WORD)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def launch(self, order: Order, record: Path) -> None:
        """Start a run under a record that does not exist yet.

        From the moment in which the record's lock is taken until the run's last process has ended, the lock is held:
        by this process first, then by the run's. Whoever finds it free and nothing told knows that nothing was begun.

        Raises
        ------
        OSError
            If the record can't be written or the process can't be started.
        """
        record.mkdir(parents=True)
        lock = hold(record)
        words = ["run", str(order.folder), *order.words, "--run-record", str(record)]
        variables = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **order.environment}
        try:
            write_header(
                record,
                order.folder,
                kind="run",
                source="schedule",
                # The run writes its own; until then it can't be asked to stop.
                pid=0,
                command=("cellmill", "run", str(order.folder), *order.words),
                parameters=order.parameters,
                profile=order.profile,
            )
            (record / "log").touch()
            if not self._forked(words, variables, order.root, record, lock):
                self._started(words, variables, order.root, record, lock)
        finally:
            os.close(lock)

    def _forked(self, words: list[str], variables: dict[str, str], root: Path, record: Path, lock: int) -> bool:
        """Whether the process that is kept has taken it over."""
        self.prepare()
        if self._requests is None:
            return False
        content = {"words": words, "variables": variables, "workdir": str(root), "log": str(record / "log")}
        with tempfile.TemporaryFile() as request:
            request.write(json.dumps(content).encode())
            request.flush()
            try:
                socket.send_fds(self._requests, [b"r"], [request.fileno(), lock])
            except OSError:  # it was killed
                self.close()
                return False
        return True

    def _started(self, words: list[str], variables: dict[str, str], root: Path, record: Path, lock: int) -> None:
        with (record / "log").open("ab") as log:
            child = subprocess.Popen(
                as_process([*words, "--run-lock", str(lock)]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=root,
                env=variables,
                pass_fds=(lock,),
                start_new_session=True,
            )
        threading.Thread(target=child.wait, daemon=True, name=f"run {record.name}").start()


def was_begun(record: Path) -> bool:
    """Whether anything of a run happened or may still happen: its process was started and has told something."""
    with suppress(OSError):
        return (record / "events.jsonl").exists() or (record / "end.json").exists()
    return False
