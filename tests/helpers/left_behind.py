"""A plugin: the session fails if a process that its tests have started, or any that those started, is still there.

Processes are known by a variable that all of them inherit. Where pytest-xdist hands out the tests, the session's own
process looks when the workers have ended, so that what was to end with a worker is seen, too.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
from running import marked

MARK = "CELLMILL_TEST_SESSION"
# Seconds that a process may take to end after the last test: some end by themselves when their owner has gone.
PATIENCE = 10

_zombies = pytest.StashKey[list[str]]()
_left = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Mark this process's environment, and so that of all workers and all that they start."""
    config.stash[_zombies] = []
    config.stash[_left] = []
    if not _is_worker(config):
        os.environ[MARK] = uuid.uuid4().hex


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look for what is left, when the last fixtures have gone."""
    config = session.config
    _end_own_kernels()
    config.stash[_zombies] += zombies()
    if _is_worker(config):
        config.workeroutput["zombies"] = config.stash[_zombies]  # type: ignore[attr-defined]
        return
    left = [*config.stash[_zombies], *left_behind(PATIENCE)] if sys.platform == "linux" else []
    if left:
        config.stash[_left] += left
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist has seen."""
    node.config.stash[_zombies] += getattr(node, "workeroutput", {}).get("zombies", [])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what is left."""
    if left := terminalreporter.config.stash[_left]:
        terminalreporter.section("processes that outlive the tests", red=True, bold=True)
        for one in left:
            terminalreporter.write_line(one)


def left_behind(patience: float) -> list[str]:
    """Wait until all marked processes but this one have ended; describe those that do not, and end them."""
    mark = f"{MARK}={os.environ[MARK]}"
    end = time.monotonic() + patience
    while (found := _others(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    told = [_described(process) for process in found]
    for process in found:
        process.kill()
    return told


def zombies() -> list[str]:
    """Name what has ended, was started by this process, and was never waited for."""
    return [
        f"zombie {process.pid} ({process.name()}), started at {time.ctime(process.create_time())}"
        for process in psutil.Process().children(recursive=True)
        if process.status() == psutil.STATUS_ZOMBIE
    ]


def _others(mark: str) -> list[psutil.Process]:
    found = []
    for pid in marked(mark):
        if pid != os.getpid() and psutil.pid_exists(pid):
            found.append(psutil.Process(pid))
    return found


def _described(process: psutil.Process) -> str:
    try:
        variables = Path(f"/proc/{process.pid}/environ").read_bytes().decode(errors="replace").split("\0")
        test = next((one.partition("=")[2] for one in variables if one.startswith("PYTEST_CURRENT_TEST=")), "no test")
        words = " ".join(process.cmdline())
        return f"process {process.pid} ({process.name()}: {words[-300:]}), started in {test}"
    except (OSError, psutil.Error):
        return f"process {process.pid}, which ended only now"


def _end_own_kernels() -> None:
    """End what kernels are forked from that tests have started here: it would end with this process."""
    provisioner = sys.modules.get("cellmill.run.warm.provisioner")
    for pool in getattr(provisioner, "_own_pools", ()):
        pool.close()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
