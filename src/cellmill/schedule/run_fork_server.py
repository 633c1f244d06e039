"""The process that is kept, `python -m cellmill.schedule.run_fork_server DESCRIPTOR`: it forks the runs of a scheduler.

It has imported what every run needs, which takes longer than many a run, and ends when its scheduler has gone. The runs
that it has forked go on: each is a process of its own, in a session of its own.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress

from cellmill.lazy_imports import OF_ENGINES, put_off, put_off_slow_imports
from cellmill.run.kept_imports import begin_anew, package_folders

# What a run imports, first to last; none of these starts a thread.
_OF_A_RUN = (
    "cellmill.cli.run",
    "cellmill.cli.progress",
    "cellmill.cli.outcome",
    "cellmill.cli.standing",
    "cellmill.run.executor",
    "cellmill.run.warm.pool",
    "cellmill.run.database",
    "cellmill.run.up_to_date",
    "cellmill.promote.certificate",
    "cellmill.track.tracker",
    "cellmill.track.sink",
    "jupyter_client.blocking.client",
    "jupyter_client.manager",
)


def main(descriptor: int) -> None:
    """Import, then fork a run for each request, until nobody can ask for one any more."""
    requests = socket.socket(fileno=descriptor)
    folders = package_folders()
    # Beside the imports: MLflow takes longer than all of them.
    _lend_recorder()
    put_off_slow_imports()
    with suppress(Exception), put_off(OF_ENGINES):  # what is wrong with an installation is told by the run
        for name in _OF_A_RUN:
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a run's record tells how it ended
    while True:
        select.select([requests], [], [])
        if package_folders() != folders:
            # A package was installed: a run must not mix what it imports with what is imported already.
            begin_anew("cellmill.schedule.run_fork_server", descriptor)
        _lend_recorder()
        head, files, _, _ = socket.recv_fds(requests, 1, 2)
        if not head:
            break
        if os.fork() == 0:
            requests.close()
            _run(*files)
        for file in files:
            os.close(file)


def _lend_recorder() -> None:
    from cellmill.track.kept_recorder import lend_recorder

    with suppress(OSError):  # then each run starts its own
        lend_recorder(os.environ)


def _run(request: int, lock: int) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        with os.fdopen(request, encoding="utf-8") as file:
            file.seek(0)
            words = json.load(file)
        log = os.open(words["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, stream in ((0, nothing), (1, log), (2, log)):
            os.dup2(stream, number)
        os.close(log)
        os.close(nothing)
        os.environ.clear()
        os.environ.update(words["variables"])
        os.chdir(words["workdir"])
        sys.argv = ["cellmill", *words["words"]]
        code = _command([*words["words"], "--run-lock", str(lock)])
    except BaseException:
        traceback.print_exc()
    finally:
        _end(code)


def _command(words: list[str]) -> int:
    # By its name, as a shell starts it: no part of cellmill stands above the commands.
    command = importlib.import_module("cellmill.cli").main
    try:
        command(words, prog_name="cellmill")
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0


def _end(code: int) -> None:
    """End as Python does, without going back into the loop that this process was forked in."""
    with suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined] # what Python itself calls
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
