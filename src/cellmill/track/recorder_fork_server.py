"""The process that is kept, `python -m cellmill.track.recorder_fork_server DESCRIPTOR`: it forks recorders.

It has MLflow imported, and ends when its owner has gone; the recorders that it has forked go on.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from cellmill.lazy_imports import OF_MLFLOW, put_off
from cellmill.run.kept_imports import begin_anew, package_folders
from cellmill.track import worker
from cellmill.track.store import local_store, warm_up

# Seconds between two looks at whether the owner lives; its end of the socket closes at once when nobody else holds it.
_LOOK = 1.0
# What is imported only while a run is recorded.
_OF_A_RUN = (
    "cellmill.promote.certificate",
    "cellmill.promote.verification",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "sqlalchemy.dialects.sqlite",
)


def main(descriptor: int) -> None:
    """Import, then fork a recorder for each request."""
    owner, requests = os.getppid(), socket.socket(fileno=descriptor)
    folders = package_folders()
    with suppress(Exception), put_off(OF_MLFLOW):  # what is wrong with an installation is told by the recorder
        warm_up(local_store(Path.cwd()))
        for name in _OF_A_RUN:
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a recorder ended
    while os.getppid() == owner:
        if not select.select([requests], [], [], _LOOK)[0]:
            continue
        if package_folders() != folders:
            # A package was installed: what it imports must not meet what is imported already.
            begin_anew("cellmill.track.recorder_fork_server", descriptor)
        head, files, _, _ = socket.recv_fds(requests, 1, 4)
        if not head:
            break
        if os.fork() == 0:
            requests.close()
            _record(*files)
        for file in files:
            os.close(file)


def _record(request: int, *streams: int) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with os.fdopen(request, encoding="utf-8") as file:
        words = json.load(file)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for name in set(os.environ) - set(words["variables"]):
        del os.environ[name]
    os.environ.update(words["variables"])
    try:
        os.chdir(words["workdir"])
        worker.main(words["folder"], words["root"])
    except BaseException:
        # The tracker reads the last line of it.
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
