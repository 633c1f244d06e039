"""A process that has MLflow imported and waits for the next run of the same program, for which it forks a recorder.

MLflow takes more than a second to import: longer than a short run from a notebook, whose end waits for its recording.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from cellmill.run.warm import keeps_processes
from cellmill.run.warm.kept_processes import LONGEST

_door = threading.Lock()
_kept: list[_KeptProcess] = []
_lent: list[_KeptProcess] = []


def lend_recorder(variables: Mapping[str, str]) -> None:
    """Keep such a process for the runs that will be forked from this one; harmless if one is kept.

    This process must be one that does nothing but fork runs: no thread is started.

    Raises
    ------
    OSError
        If no process can be started.
    """
    if _lent and _lent[0].lives:
        return
    while _lent:
        _lent.pop().close()
    _lent.append(_KeptProcess(variables, lasting=True))


def fork_recorder(folder: Path, root: Path, variables: Mapping[str, str], errors: IO[bytes]) -> ForkedRecorder | None:
    """Give a recorder that is forked from the process that is kept; None if this program keeps none.

    Parameters
    ----------
    folder, root
        What the recorder is started with.
    variables
        Its whole environment.
    errors
        The file that its standard error goes to.

    Raises
    ------
    OSError
        If no process can be started.
    """
    if sys.platform != "linux" or not (keeps_processes() or _lent):
        return None
    words = {"folder": str(folder), "root": str(root), "variables": dict(variables), "workdir": os.getcwd()}
    if _lent:
        try:
            return _lent[0].fork(words, errors)
        except OSError:  # it was killed; who lends it begins another one
            return None
    with _door:
        if _kept:
            try:
                return _kept[0].fork(words, errors)
            except OSError:  # it was killed
                _kept.pop().close()
        _kept.append(_KeptProcess(variables))
        return _kept[0].fork(words, errors)


class ForkedRecorder:
    """A recording process, with what the tracker uses of ``subprocess.Popen``."""

    def __init__(self, stdin: IO[str], answers: socket.socket) -> None:
        self._answers = answers
        self.stdin = stdin
        self.stdout: IO[str] = answers.makefile("r", encoding="utf-8")

    def kill(self) -> None:
        """Hear no more of it: it ends by itself when nobody speaks to it."""
        with suppress(OSError):
            self._answers.shutdown(socket.SHUT_RDWR)

    def wait(self, _: float | None = None) -> None:
        """Wait for nothing: its output ends when it does."""
        self._answers.close()


class _KeptProcess:
    def __init__(self, variables: Mapping[str, str], *, lasting: bool = False) -> None:
        self._requests, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cellmill.track.recorder_fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Its libraries' own threads would be cut off by a fork; recording does no linear algebra.
                env={**variables, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._timer = None if lasting else self._wait_for_the_next()

    @property
    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def fork(self, words: Mapping[str, object], errors: IO[bytes]) -> ForkedRecorder:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._wait_for_the_next()
        with ExitStack() as of_the_recorder:
            request = of_the_recorder.enter_context(tempfile.TemporaryFile())
            request.write(json.dumps(words).encode())
            request.seek(0)
            reading, writing = os.pipe()
            of_the_recorder.callback(os.close, reading)
            stdin = os.fdopen(writing, "w", encoding="utf-8")
            ours, theirs = socket.socketpair()
            of_the_recorder.enter_context(theirs)
            try:
                files = [request.fileno(), reading, theirs.fileno(), errors.fileno()]
                socket.send_fds(self._requests, [b"r"], files)
            except OSError:
                stdin.close()
                ours.close()
                raise
        return ForkedRecorder(stdin, ours)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._requests.close()
        self._process.kill()
        self._process.wait()

    def _wait_for_the_next(self) -> threading.Timer:
        timer = threading.Timer(LONGEST, _close, (self,))
        timer.daemon = True
        timer.start()
        return timer


def _close(process: _KeptProcess) -> None:
    with _door:
        if process in _kept:
            _kept.remove(process)
            process.close()
