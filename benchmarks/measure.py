"""How the benchmarks measure: whole processes, medians, bytecode on every side, and on what machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

# A case: a call, which may say itself how many seconds count.
Work = Callable[[], float | None]

REPEATS = 7
SCRIPTS = Path(sysconfig.get_path("scripts"))


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median of the seconds that `work` takes, after one call that is not counted."""
    work()
    return statistics.median(seconds(work) for _ in range(repeats))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def by_turns(
    cases: Mapping[str, Work], repeats: int = REPEATS, before: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """Medians of the seconds that each case takes, or says that it took; one after the other, so that load meets all.

    One call of each is not counted; `before` is called before every call, and not counted either.
    """
    found: dict[str, list[float]] = {label: [] for label in cases}
    for turn in range(repeats + 1):
        for label, work in cases.items():
            before()
            began = time.perf_counter()
            told = work()
            taken = time.perf_counter() - began
            if turn:
                found[label].append(told if isinstance(told, float) else taken)
    return {label: statistics.median(taken) for label, taken in found.items()}


def command(*words: str, cwd: Path | None = None, variables: Mapping[str, str] | None = None) -> Work:
    """A call that runs a command to its end and fails, with what it told, if the command does.

    Bytecode is written on the first, uncounted call, for everybody alike.
    """

    def run() -> None:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        with tempfile.TemporaryFile() as told:
            done = subprocess.run(words, env=environment | dict(variables or {}), cwd=cwd, stdout=told, stderr=told)
            if done.returncode:
                told.seek(0)
                sys.stderr.buffer.write(told.read()[-5000:])
                raise subprocess.CalledProcessError(done.returncode, words)

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


def promoted(folder: Path, cells: Sequence[tuple[str, str]]) -> Path:
    """Make a project with one notebook, of cells with a tag each, and promote it; the current folder is the project's.

    Parameters
    ----------
    folder
        An empty folder.
    cells
        Tags and sources.
    """
    (folder / "pyproject.toml").touch()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [tag]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tag, source) in enumerate(cells)
    ]
    notebook = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "notebooks" / "chain.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook))
    os.chdir(folder)
    command(str(SCRIPTS / "cellmill"), "promote", str(path))()
    return folder / "pipelines" / "chain"
