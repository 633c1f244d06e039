"""Measures the scheduler beside jupyter-scheduler and prints one table.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/schedules [--schedules N] [--spread SECONDS] [--repeats N] [--only ROW ...] [--peer BIN]
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

from schedules.row import HEAD, Options, Row

ROWS = ("idle", "lateness", "peer")
PACKAGES = ("cellmill", "apscheduler", "cronsim", "sqlalchemy", "ploomber", "papermill", "mlflow", "ipykernel")


def main() -> None:
    given = _arguments()
    # So that it leaves no folder and no process behind when it is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in ("PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI", "CELLMILL_WARM", "CELLMILL_JOBS"):
        os.environ.pop(name, None)
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    options = Options(given.schedules, given.spread, given.idle, given.repeats, given.peer)
    print(circumstances(*PACKAGES), flush=True)
    rows: list[Row] = []
    for name in given.only or ROWS:
        for row in import_module(f"schedules.{name}").measured(options):
            rows.append(row)
            print("| " + " | ".join(row.as_cells()) + " |", file=sys.stderr, flush=True)
    print(f"\nLoad at the end {os.getloadavg()[0]:.2f}.\n\n{table(HEAD, [row.as_cells() for row in rows])}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/schedules", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, help="on the one scheduler")
    parser.add_argument("--spread", type=float, default=900, help="seconds within which each of them is due once")
    parser.add_argument("--idle", type=float, default=60, help="seconds that an idle scheduler is watched")
    parser.add_argument("--repeats", type=int, default=5, help="minutes that both schedulers run their notebook")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--peer", metavar="BIN", help="the bin folder of an environment with jupyter-scheduler")
    return parser.parse_args()


if __name__ == "__main__":
    main()
