"""Measures the engine beside its peers and prints one table.

Run it in an environment that holds cellmill with its dask extra, on an idle machine::

    python benchmarks/engine [--repeats N] [--only ROW ...] [--small]
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import circumstances, table

from engine.line import HEAD, Line, Options

ROWS = ("shell", "live", "branches", "handover", "nothing_to_do", "wide", "sweep", "nbval_notebooks", "dask_workers")
PACKAGES = (
    "cellmill",
    "ploomber",
    "papermill",
    "mlflow",
    "nbval",
    "ipykernel",
    "distributed",
    "pandas",
    "scikit-learn",
)

# One thread for BLAS on all sides; bytecode for all; Ploomber asks nobody for a newer version.
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "PLOOMBER_STATS_ENABLED": "false"
}
NOT_TAKEN_OVER = (
    "PYTHONDONTWRITEBYTECODE",
    "MLFLOW_TRACKING_URI",
    "CELLMILL_WARM",
    "CELLMILL_JOBS",
    "JUPYTER_DEFAULT_PROVISIONER_NAME",
)


def main() -> None:
    given = _arguments()
    # So that it leaves no folder and no process behind when it is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ.update(ENVIRONMENT)
    for name in NOT_TAKEN_OVER:
        os.environ.pop(name, None)
    options = Options(repeats=given.repeats, small=given.small)
    print(circumstances(*PACKAGES), flush=True)
    if options.small:
        print("Small sizes, to try the program out: the figures say nothing.")
    lines: list[Line] = []
    for row in given.only or ROWS:
        for line in import_module(f"engine.{row}").measured(options):
            lines.append(line)
            # What took an hour is not lost where a later row fails.
            print("| " + " | ".join(line.as_cells()) + " |", file=sys.stderr, flush=True)
    print(f"\nLoad at the end {os.getloadavg()[0]:.2f}.\n\n{table(HEAD, [line.as_cells() for line in lines])}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/engine", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="of each case; rows that take long have fewer")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--small", action="store_true", help="small sizes, to try the program out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
