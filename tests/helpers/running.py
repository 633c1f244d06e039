"""Runs in processes of their own, to be stopped and killed, and the processes that they start, by a mark on them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class Running:
    """A run in a process of its own, with a mark by which its kernels are known."""

    def __init__(self, pipeline: Any, options: str = "") -> None:
        self.mark = f"CELLMILL_MARK={uuid.uuid4().hex}"
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from cellmill.run import run_pipeline\n"
            "def tell(event): print(event.kind, event.task, flush=True)\n"
            f"result = run_pipeline(Path(sys.argv[1]), listeners=[tell], {options})\n"
            "print('STATE', result.state, flush=True)\n"
            "print(result.failure.sentence if result.failure else '', flush=True)\n"
        )
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(pipeline.folder)],
            env={**os.environ, name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self._lines = self.process.stdout

    def wait_for_line(self, start: str) -> None:
        for line in self._lines:
            if line.startswith(start):
                return
        raise AssertionError(f"no line {start}")

    def end(self) -> str:
        """What it still printed; the process has ended."""
        rest = self._lines.read()
        self.process.wait(timeout=30)
        self._lines.close()
        return rest

    def processes(self) -> list[int]:
        """Processes with the mark, but the run itself."""
        return [pid for pid in marked(self.mark) if pid != self.process.pid]

    def kernels(self) -> list[int]:
        """Those of them that are kernels at work, or that kernels have started.

        Not the process that kernels fork from, and not a kernel that waits for the next step.
        """
        found = [pid for pid in self.processes() if not is_spare(pid)]
        return [pid for pid in found if not (is_warm(pid) and parent(pid) == self.process.pid)]


def is_warm(pid: int) -> bool:
    """Whether this is a warm process, or a fork of one."""
    try:
        return b"_cellmill_warm" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def is_spare(pid: int) -> bool:
    """Whether this is a kernel that waits until it is needed."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "cellmill-spare\n"
    except OSError:
        return False


def parent(pid: int) -> int | None:
    """The process's parent; None if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def marked(mark: str) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)
            except OSError:
                continue


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
