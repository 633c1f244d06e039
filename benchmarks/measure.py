"""How the benchmarks measure: whole processes, medians, bytecode on every side, and on what machine."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

REPEATS = 7


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median of the seconds that `work` takes, after one call that is not counted."""
    work()
    return statistics.median(_seconds(work) for _ in range(repeats))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def command(*words: str) -> Callable[[], object]:
    """A call that runs a command to its end and fails if the command does.

    Bytecode is written on the first, uncounted call, for everybody alike.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run() -> None:
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    return run


def circumstances(*packages: str) -> str:
    """Date, machine, load and versions, for the head of a table."""
    load = os.getloadavg()[0]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    if load > 0.5:
        print(f"The machine is not idle (load {load:.2f}): measure again later.", file=sys.stderr)
    return f"{datetime.now(UTC):%Y-%m-%d}; {machine}; load {load:.2f}; {versions}."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])
