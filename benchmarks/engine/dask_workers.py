"""What a second Dask worker gains: the same independent, CPU-bound steps on one worker and on two, by turns.

Scheduler and workers are processes that are up before a run begins. Steps hand over through the shared disk.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import SCRIPTS, by_turns

from engine.line import Line, Options, faster
from engine.projects import project

RUN = """
import json, sys, time
from pathlib import Path
from cellmill.run import run_pipeline
times = []
began = time.perf_counter()
result = run_pipeline(
    Path(sys.argv[1]), force=True, run_on="dask", scheduler=sys.argv[2],
    listeners=[lambda event: event.kind in ("task-started", "task-finished") and times.append(event.at)],
)
assert result.state == "succeeded", result.failure
print(json.dumps([max(times) - min(times), time.perf_counter() - began]))
"""
WORK = "total = 0\nfor number in range({count}):\n    total += number * number % 7\nfound{step} = total + seed"


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    repeats = options.at_most(3)
    steps, lasting = (2, 1) if options.small else (8, 5)
    with project(_cells(steps, lasting)) as made, _cluster(made.root, 1) as one, _cluster(made.root, 2) as two:
        whole: dict[int, list[float]] = {1: [], 2: []}

        def run(workers: int, address: str) -> float:
            own, all_of_it = _run(made.pipeline, address)
            whole[workers].append(all_of_it)
            return own

        # In the first turn, which is not counted, workers import what they need.
        works = {"1": lambda: run(1, one), "2": lambda: run(2, two)}
        found = by_turns(works, repeats)
    case = f"dask, {steps} CPU-bound steps of about {lasting} s"
    what = f"2 workers, from the first step's start to the last one's end ({repeats} times)"
    yield Line(case, what, found["2"], "1 worker", found["1"], faster(1.7))
    first, second = (statistics.median(taken[1:]) for taken in whole.values())
    yield Line(case, "the whole run, imports included", second, "1 worker", first)


def _run(pipeline: Path, address: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(pipeline), address], capture_output=True, text=True, check=True
    )
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cells(steps: int, seconds: int) -> list[tuple[str, str]]:
    began = time.perf_counter()
    exec(WORK.format(count=1_000_000, step=0), {"seed": 0})
    count = round(seconds / (time.perf_counter() - began) * 1_000_000)
    return [
        ("step:load", "seed = 1"),
        *((f"step:work{step}", WORK.format(count=count, step=step)) for step in range(steps)),
    ]


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[str]:
    log = folder / f"scheduler{workers}.log"
    with log.open("wb") as told:
        processes = [
            subprocess.Popen(
                [SCRIPTS / "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
                stdout=told,
                stderr=told,
            )
        ]
    try:
        while not (found := re.search(r"Scheduler at:\s+(tcp://\S+)", log.read_text())):
            time.sleep(0.1)
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
        for _ in range(workers):
            words = [SCRIPTS / "dask", "worker", found[1], *options]
            processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield found[1]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()
