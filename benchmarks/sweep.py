"""A sweep of 24 combinations over five steps of which the last one varies, against 24 times `ploomber build`.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/sweep.py [REPEATS] [COMBINATIONS]

`ploomber build` gets each value by `--env--alpha`; what does not depend on it is up to date from the second time on.
cellmill records in MLflow, Ploomber does not.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import SCRIPTS, circumstances, command, promoted, seconds, table

STEPS = 5


def main() -> None:
    repeats = int(sys.argv[1]) if sys.argv[1:] else 1
    count = int(sys.argv[2]) if sys.argv[2:] else 24
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    cellmill, ploomber = str(SCRIPTS / "cellmill"), str(SCRIPTS / "ploomber")
    values = [str(place / 2) for place in range(1, count + 1)]
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        pipeline = promoted(Path(folder), _cells())
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
                found[label].append(seconds(work))
        head = circumstances("cellmill", "ploomber", "papermill", "mlflow")
    rows = [[label, f"{statistics.median(taken):.1f}"] for label, taken in found.items()]
    print(f"{head} {STEPS} steps, medians of {repeats}.\n\n{table(['what', 'seconds'], rows)}")


def _cells() -> list[tuple[str, str]]:
    sources = ["x0 = 0"] + [f"x{number} = x{number - 1} + 1" for number in range(1, STEPS - 1)]
    sources.append(f"loss = (x{STEPS - 2} - alpha) ** 2\n%metric loss loss")
    return [("parameters", "alpha = 1.0"), *((f"step:s{number}", source) for number, source in enumerate(sources))]


if __name__ == "__main__":
    main()
