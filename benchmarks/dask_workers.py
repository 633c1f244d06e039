"""What a second Dask worker gains: the same independent, CPU-bound steps on one worker and on two, by turns.

python benchmarks/dask_workers.py [REPEATS] [STEPS] [SECONDS]

Scheduler and workers are processes that are up before a run begins. Steps hand over through the shared disk.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import circumstances, table

BIN = Path(sys.executable).parent
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


def main() -> None:
    repeats, steps, seconds = (int(given) for given in (sys.argv[1:] + ["5", "8", "5"][len(sys.argv) - 1 :]))
    head = circumstances("cellmill", "distributed", "ipykernel", "papermill", "ploomber")
    found: dict[int, list[list[float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        pipeline = _pipeline(Path(folder), steps, seconds)
        with _cluster(Path(folder), 1) as one, _cluster(Path(folder), 2) as two:
            for turn in range(repeats + 1):
                for workers, address in ((1, one), (2, two)):
                    figures = _run(pipeline, address)
                    # In the first turn workers import what they need.
                    if turn:
                        found[workers].append(figures)
    medians = {
        workers: [statistics.median(column) for column in zip(*rows, strict=True)] for workers, rows in found.items()
    }
    rows = [[str(workers), f"{own:.1f}", f"{whole:.1f}"] for workers, (own, whole) in medians.items()]
    rows.append(
        ["gain", *(f"{first / second:.2f} times" for first, second in zip(medians[1], medians[2], strict=True))]
    )
    print(f"{head} Medians of {repeats}; {steps} steps of about {seconds} s.\n")
    print(
        table(
            [
                "workers",
                "seconds from the first step's start to the last one's end",
                "seconds of the whole run, imports included",
            ],
            rows,
        )
    )


def _run(pipeline: Path, address: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(pipeline), address], capture_output=True, text=True, check=True
    )
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _pipeline(folder: Path, steps: int, seconds: int) -> Path:
    (folder / "pyproject.toml").touch()
    began = time.perf_counter()
    exec(WORK.format(count=1_000_000, step=0), {"seed": 0})
    count = round(seconds / (time.perf_counter() - began) * 1_000_000)
    cells = [_cell("step:load", "seed = 1")]
    cells += [_cell(f"step:work{step}", WORK.format(count=count, step=step)) for step in range(steps)]
    notebook: dict[str, Any] = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "study.ipynb").write_text(json.dumps(notebook))
    subprocess.run([BIN / "cellmill", "promote", "study.ipynb"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return folder / "pipelines" / "study"


def _cell(tag: str, source: str) -> dict[str, Any]:
    identity = tag.replace(":", "-")
    return {
        "cell_type": "code",
        "id": identity,
        "metadata": {"tags": [tag]},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[str]:
    log = folder / f"scheduler{workers}.log"
    with log.open("wb") as told:
        processes = [
            subprocess.Popen(
                [BIN / "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
                stdout=told,
                stderr=told,
            )
        ]
    try:
        while not (found := re.search(r"Scheduler at:\s+(tcp://\S+)", log.read_text())):
            time.sleep(0.1)
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
        for _ in range(workers):
            words = [BIN / "dask", "worker", found[1], *options]
            processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield found[1]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()


if __name__ == "__main__":
    main()
