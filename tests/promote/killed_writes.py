"""Writes a plan again and again, each time in a process that is killed a little later, and tells what was left.

A program for the tests beside it; standard output is one JSON.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellmill.promote import Plan, make_plan, write_plan

# What writing does to the disk, as Python's own audit events tell; there are many of the last three kinds.
MOVES = ("os.rename", "os.link", "tempfile.mkdtemp", "ctypes.dlsym")
STEPS = (*MOVES, "open", "os.mkdir", "os.remove")


def in_fork(plan: Plan, hook: Callable[[str], None], *, plainly: bool) -> int:
    """Write the plan in a process that calls the hook before each step; gives its exit code."""
    if (pid := os.fork()) == 0:
        if plainly:  # as on a system that can't exchange two folders at once
            ctypes.CDLL = lambda *_, **__: object()  # type: ignore[assignment, misc]
        sys.addaudithook(lambda event, _: hook(event) if event in STEPS else None)
        write_plan(plan)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def steps_of(plan: Plan, *, plainly: bool) -> list[str]:
    reading, writing = os.pipe()
    in_fork(plan, lambda event: bool(os.write(writing, f"{event}\n".encode())), plainly=plainly)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return pipe.read().split()


def write_killed(plan: Plan, at: int, *, plainly: bool) -> bool:
    """Write the plan in a process that is killed before its step of this number."""
    left = at

    def hook(event: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_fork(plan, hook, plainly=plainly) == -signal.SIGKILL


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def prepare(plan: Plan, before: Path) -> None:
    shutil.rmtree(plan.folder, ignore_errors=True)
    if before.exists():
        shutil.copytree(before, plan.folder)


def main(notebook: Path, before: Path, plainly: bool) -> None:
    """``before`` holds the folder as it was before the promotion; it is not there if that is the first one."""
    plan = make_plan(notebook)
    prepare(plan, before)
    steps = steps_of(plan, plainly=plainly)
    moves = [at + after for at, step in enumerate(steps) if step in MOVES for after in (0, 1)]
    seen: list[dict[str, Any]] = []
    for at in sorted({*moves, *range(0, len(steps), 25), len(steps) - 1}):
        prepare(plan, before)
        killed = write_killed(plan, at, plainly=plainly)
        left = digest(plan.folder)
        write_plan(plan)
        beside = sorted(path.name for path in plan.folder.parent.iterdir())
        seen.append({"killed": killed, "left": left, "after": digest(plan.folder), "beside": beside})
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "plainly")
