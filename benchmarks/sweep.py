"""A sweep of 24 combinations over five steps of which the last one varies, against 24 times `ploomber build`.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/sweep.py [REPEATS] [COMBINATIONS]

`ploomber build` gets each value by `--env--alpha`; what does not depend on it is up to date from the second time on.
cellmill records in MLflow, Ploomber does not.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import circumstances, command, table

STEPS = 5
SCRIPTS = Path(sysconfig.get_path("scripts"))


def main() -> None:
    repeats = int(sys.argv[1]) if sys.argv[1:] else 1
    count = int(sys.argv[2]) if sys.argv[2:] else 24
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    cellmill, ploomber = str(SCRIPTS / "cellmill"), str(SCRIPTS / "ploomber")
    values = [str(place / 2) for place in range(1, count + 1)]
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        pipeline = _promoted(Path(folder))
        os.chdir(pipeline)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        sweep = command(
            cellmill, "sweep", str(pipeline), "-p", f"alpha={','.join(values)}", "--metric", "loss", "--minimize"
        )
        builds = [command(ploomber, "build", "--env--alpha", value) for value in values]
        # Bytecode is written, and the database made, before anything counts.
        command(cellmill, "run", str(pipeline))()
        builds[0]()
        cases: dict[str, Callable[[], object]] = {
            f"`cellmill sweep`, {count} combinations": sweep,
            "the same command again: all is up to date": sweep,
            f"{count} times `ploomber build`": lambda: [build() for build in builds],
        }
        found: dict[str, list[float]] = {label: [] for label in cases}
        for _ in range(repeats):
            for label, work in cases.items():
                if "again" not in label:
                    shutil.rmtree(pipeline / "output", ignore_errors=True)
                found[label].append(_seconds(work))
        head = circumstances("cellmill", "ploomber", "papermill", "mlflow")
    rows = [[label, f"{statistics.median(seconds):.1f}"] for label, seconds in found.items()]
    print(f"{head} {STEPS} steps, medians of {repeats}.\n\n{table(['what', 'seconds'], rows)}")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _promoted(folder: Path) -> Path:
    (folder / "pyproject.toml").touch()
    sources = ["x0 = 0"] + [f"x{number} = x{number - 1} + 1" for number in range(1, STEPS - 1)]
    sources.append(f"loss = (x{STEPS - 2} - alpha) ** 2\n%metric loss loss")
    cells = [_cell("parameters", "alpha = 1.0")]
    cells += [_cell(f"step:s{number}", source) for number, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "notebooks" / "chain.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook))
    os.chdir(folder)
    command(str(SCRIPTS / "cellmill"), "promote", str(path))()
    return folder / "pipelines" / "chain"


def _cell(tag: str, source: str) -> dict[str, object]:
    head = {"cell_type": "code", "id": tag.replace(":", "-"), "metadata": {"tags": [tag]}}
    return head | {"source": source, "outputs": [], "execution_count": None}


if __name__ == "__main__":
    main()
