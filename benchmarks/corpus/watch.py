"""Watches an example that runs in a process of its own, and ends it when it takes too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

import psutil

LIMIT = 60.0  # seconds of processor time that a notebook may take by itself
PATIENCE = 1800.0  # seconds on the clock for all of one example, however many steps it has and however busy the machine
_EACH = 0.25


def watch(process: BaseProcess, in_notebook: Callable[[], bool]) -> tuple[float, str]:
    """Wait for a process to end.

    Parameters
    ----------
    process
        The process, which has been started.
    in_notebook
        Whether it still runs the notebook, which is what `LIMIT` is for.

    Returns
    -------
    tuple of (float, str)
        The processor time of the notebook, in seconds; and why the process was ended, or an empty text.
    """
    began = time.monotonic()
    used = 0.0
    while process.is_alive():
        process.join(_EACH)
        if in_notebook():
            used = max(used, _processor_time(process))
        ended = "too slow" if used > LIMIT else "hangs" if time.monotonic() - began > PATIENCE else ""
        if ended:
            _end(process)
            return used, ended
    return used, ""


def _processor_time(process: BaseProcess) -> float:
    """What the kernel below the process has used, and what it started."""
    total = 0.0
    for one in _below(process):
        try:
            total += sum(one.cpu_times()[:4])
        except psutil.Error:
            continue
    return total


def _below(process: BaseProcess) -> list[psutil.Process]:
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.Error:
        return []


def _end(process: BaseProcess) -> None:
    for one in _below(process):
        try:
            one.kill()
        except psutil.Error:
            continue
    process.kill()
    process.join()
