"""200 MB of DataFrames through five steps: what the hand-over takes, against copying the same bytes through files."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.line import Line, Options, at_most
from engine.projects import Project, cell_seconds, project

STEPS = 5
BORDERS = STEPS - 1
NUMBERS = """rng = np.random.default_rng(1)
frame0 = pd.DataFrame(rng.normal(size=({size} // 160, 20)), columns=[f"c{{n}}" for n in range(20)])"""
# A row: 11 numbers of 8 bytes, and three texts of 17 bytes and an offset of 8, as pandas 3 holds them.
TEXTS = """rng = np.random.default_rng(1)
frame0 = pd.DataFrame(rng.normal(size=({size} // 163, 11)), columns=[f"c{{n}}" for n in range(11)])
for name in ("first", "second", "third"):
    frame0[name] = ["customer " + str(n) for n in rng.integers(0, 10**8, size=len(frame0))]"""


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    size = 20_000_000 if options.small else 200_000_000
    repeats = options.at_most(3)
    for kind, source in {"numbers": NUMBERS, "numbers and text": TEXTS}.items():
        with project(_cells(source, 16_000)) as made:
            tiny = _handed_over(made, repeats)
        with project(_cells(source, size)) as made:
            taken = _handed_over(made, repeats) - tiny
            raw, copied = _through_files(made.root, size, repeats)
        case = f"{size // 10**6} MB of DataFrames ({kind}) through {STEPS} steps"
        what = f"hand-over: cells that save and load, less those of tiny frames ({repeats} times)"
        yield Line(case, what, taken, f"raw buffers written and read, {BORDERS} times", raw, at_most(2))
        yield Line(case, what, taken, f"`shutil.copyfile`, {BORDERS} times", copied)


def _cells(source: str, size: int) -> list[tuple[str, str]]:
    steps = [("step:s0", source.format(size=size))]
    steps += [
        (f"step:s{step}", f"frame{step} = frame{step - 1}.copy()\nframe{step}['c0'] += 1\nprint(len(frame{step}))")
        for step in range(1, STEPS)
    ]
    return [("shared", "import numpy as np\nimport pandas as pd"), *steps]


def _handed_over(made: Project, repeats: int) -> float:
    run = made.cellmill("--jobs", "1")
    found = []
    for turn in range(repeats + 1):
        run()
        cells = [cell_seconds(made.executed(step)) for step in made.steps]
        if turn:
            found.append(sum(taken.get("inputs", 0.0) + taken.get("outputs", 0.0) for taken in cells))
    return statistics.median(found)


def _through_files(folder: Path, size: int, repeats: int) -> tuple[float, float]:
    """The same bytes at each border: as a buffer to a file and from it, and by the system's own copy."""
    held = np.random.default_rng(1).normal(size=size // 8)
    source, copy = folder / "raw", folder / "copy"
    raw, copied = [], []
    for turn in range(repeats + 1):
        began = time.perf_counter()
        for _ in range(BORDERS):
            held.tofile(source)
            held = np.fromfile(source)
        between = time.perf_counter()
        for _ in range(BORDERS):
            shutil.copyfile(source, copy)
        if turn:
            raw.append(between - began)
            copied.append(time.perf_counter() - between)
    return statistics.median(raw), statistics.median(copied)
