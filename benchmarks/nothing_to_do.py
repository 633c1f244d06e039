"""What it costs to find out that nothing is to do: a pipeline of trivial steps in a chain, all of them up to date.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/nothing_to_do.py [STEPS]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measure import SCRIPTS, circumstances, command, median_seconds, promoted, table

REPEATS = 5


def main() -> None:
    steps = int(sys.argv[1]) if sys.argv[1:] else 50
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    cellmill, ploomber = str(SCRIPTS / "cellmill"), str(SCRIPTS / "ploomber")
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        pipeline = promoted(Path(folder), _cells(steps))
        os.chdir(pipeline)
        command(cellmill, "run", str(pipeline))()
        cases = {
            "`cellmill run`": [cellmill, "run", str(pipeline)],
            "`cellmill run --dry-run`": [cellmill, "run", str(pipeline), "--dry-run"],
            "`ploomber build`": [ploomber, "build"],
            "`ploomber status`": [ploomber, "status"],
            "`python -c 'import ploomber'`": [sys.executable, "-c", "import ploomber"],
            "`python -c pass`": [sys.executable, "-c", "pass"],
        }
        head = circumstances("cellmill", "ploomber", "papermill", "jupytext")
        rows = [[label, f"{median_seconds(command(*words), REPEATS):.2f}"] for label, words in cases.items()]
    print(f"{head} {steps} steps, medians of {REPEATS}.\n\n{table(['command', 'seconds'], rows)}")


def _cells(steps: int) -> list[tuple[str, str]]:
    return [(f"step:s{number}", f"x{number} = x{number - 1} + 1" if number else "x0 = 0") for number in range(steps)]


if __name__ == "__main__":
    main()
