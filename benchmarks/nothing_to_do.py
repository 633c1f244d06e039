"""What it costs to find out that nothing is to do: a pipeline of trivial steps in a chain, all of them up to date.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/nothing_to_do.py [STEPS]
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

from measure import circumstances, command, median_seconds, table

REPEATS = 5
SCRIPTS = Path(sysconfig.get_path("scripts"))


def main() -> None:
    steps = int(sys.argv[1]) if sys.argv[1:] else 50
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    cellmill, ploomber = str(SCRIPTS / "cellmill"), str(SCRIPTS / "ploomber")
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        pipeline = _promoted(Path(folder), steps)
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


def _promoted(folder: Path, steps: int) -> Path:
    (folder / "pyproject.toml").touch()
    cells = [_cell(number) for number in range(steps)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "notebooks" / "chain.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook))
    os.chdir(folder)
    command(str(SCRIPTS / "cellmill"), "promote", str(path))()
    return folder / "pipelines" / "chain"


def _cell(number: int) -> dict[str, object]:
    source = f"x{number} = x{number - 1} + 1" if number else "x0 = 0"
    head = {"cell_type": "code", "id": f"cell-{number}", "metadata": {"tags": [f"step:s{number}"]}}
    return head | {"source": source, "outputs": [], "execution_count": None}


if __name__ == "__main__":
    main()
