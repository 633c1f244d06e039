"""Starts the run of a tick as a process of its own, which outlives the scheduler, and watches it by its record."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.run.log import hold, write_header

_START = "from cellmill.cli import main; main(prog_name='cellmill')"


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


def launch(order: Order, record: Path, ended: Callable[[], None]) -> int:
    """Start a run under a record that does not exist yet.

    From the moment in which the record's lock is taken until the run's last process has ended, the lock is held: by
    this process first, then by the run's. Whoever finds it free and nothing told knows that nothing was begun.

    Parameters
    ----------
    ended
        Called from another thread once the process has ended.

    Returns
    -------
    int
        The process's id.

    Raises
    ------
    OSError
        If the record can't be written or the process can't be started.
    """
    record.mkdir(parents=True)
    lock = hold(record)
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
        with (record / "log").open("wb") as log:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-c", _START, "run", str(order.folder), *order.words),
                    *("--run-record", str(record), "--run-lock", str(lock)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=order.root,
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **order.environment},
                pass_fds=(lock,),
                start_new_session=True,
            )
    finally:
        os.close(lock)
    threading.Thread(target=_wait, args=(child, ended), daemon=True, name=f"run {record.name}").start()
    return child.pid


def _wait(child: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    child.wait()
    ended()


def was_begun(record: Path) -> bool:
    """Whether anything of a run happened or may still happen: its process was started and has told something."""
    with suppress(OSError):
        return (record / "events.jsonl").exists() or (record / "end.json").exists()
    return False
