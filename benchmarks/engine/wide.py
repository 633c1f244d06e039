"""300 tasks in layers of twelve that need nothing of each other, on two cores: linear in tasks, and peak memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import psutil
from measure import command

from engine.line import Goal, Line, Options
from engine.projects import CELLMILL, PLOOMBER, project

WIDTH = 12
CORES = 2
LINEAR = 1.2


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    sizes = (24, 36, 48) if options.small else (72, 144, 300)
    words = f"`cellmill run --force --jobs {CORES}` (once)"
    taken = {}
    for size in sizes:
        with project(_cells(size)) as made:
            if size == sizes[0]:
                made.cellmill("--jobs", str(CORES))()
            seconds, peak = _watched([CELLMILL, "run", str(made.pipeline), "--force", "--jobs", str(CORES)])
            taken[size] = seconds
            against, other = "", None
            if size == sizes[0]:
                against = f"ploomber's Parallel executor with {CORES} processes (once; peak memory "
                other, its_peak = _ploomber(made.pipeline)
                against += f"{its_peak:.2f} GB)"
            yield Line(f"{size} tasks, {WIDTH} wide", f"{words}; peak memory {peak:.2f} GB", seconds, against, other)
    first, middle, last = sizes
    early = (taken[middle] - taken[first]) / (middle - first)
    late = (taken[last] - taken[middle]) / (last - middle)
    goal = Goal(f"<= {LINEAR} times (linear)", lambda own, other: own <= LINEAR * other)
    yield Line(
        f"{last} tasks, {WIDTH} wide",
        f"each further task, from {middle} to {last}",
        late,
        f"from {first} to {middle}",
        early,
        goal,
    )


def _cells(tasks: int) -> list[tuple[str, str]]:
    cells = []
    for task in range(tasks):
        layer, place = divmod(task, WIDTH)
        above = [f"x{layer - 1}_{place}", f"x{layer - 1}_{(place + 1) % WIDTH}"] if layer else ["1", str(place)]
        cells.append((f"step:s{layer}_{place}", f"x{layer}_{place} = ({' + '.join(above)}) % 1000"))
    return cells


def _ploomber(pipeline: Path) -> tuple[float, float]:
    spec = pipeline / "pipeline.yaml"
    executor = f"executor:\n  dotted_path: ploomber.executors.Parallel\n  processes: {CORES}\n\n"
    spec.write_text(executor + spec.read_text())
    command(PLOOMBER, "status")()
    return _watched([PLOOMBER, "build", "--force"])


def _watched(words: list[str]) -> tuple[float, float]:
    """Seconds, and the most resident memory of all its processes together in GB; what they share counts in each."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peaks, ended = [0], Event()
    watching = Thread(target=_watch, args=(process.pid, peaks, ended))
    watching.start()
    code = process.wait()
    taken = time.perf_counter() - began
    ended.set()
    watching.join()
    if code:
        raise subprocess.CalledProcessError(code, words)
    return taken, peaks[0] / 1e9


def _watch(pid: int, peaks: list[int], ended: Event) -> None:
    while not ended.wait(0.5):
        held = 0
        try:
            root = psutil.Process(pid)
            processes = [root, *root.children(recursive=True)]
        except psutil.Error:
            return
        for one in processes:
            try:
                held += one.memory_info().rss
            except psutil.Error:
                continue
        peaks[0] = max(peaks[0], held)
