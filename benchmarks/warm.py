"""What warm kernels save: runs of the same pipeline with and without them, by turns, in wall and processor time.

python benchmarks/warm.py [REPEATS] [PIPELINE ...]

Without names of pipelines of this repository: ten trivial steps in a chain.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import circumstances, table

ROOT = Path(__file__).parents[1]
RUN = "import sys; from cellmill.cli import main; main(['run', sys.argv[1], '--force', '--' + sys.argv[2]])"


def main() -> None:
    words = sys.argv[1:]
    repeats = int(words.pop(0)) if words and words[0].isdigit() else 5
    rows = []
    head = circumstances("cellmill", "ipykernel", "papermill", "ploomber")
    for name in words or ["ten trivial steps"]:
        with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
            pipeline = _copied(Path(folder), name) if words else _trivial(Path(folder))
            figures: dict[str, list[tuple[float, float]]] = {"no-warm": [], "warm": []}
            for _ in range(repeats):
                for option, found in figures.items():
                    found.append(_seconds(pipeline, option))
            for option, found in figures.items():
                wall, processor = (statistics.median(column) for column in zip(*found, strict=True))
                rows.append([name, f"`--{option}`", f"{wall:.1f}", f"{processor:.1f}"])
    print(f"{head} Medians of {repeats}.\n\n{table(['pipeline', 'kernels', 'seconds', 'processor seconds'], rows)}")


def _seconds(pipeline: Path, option: str) -> tuple[float, float]:
    """Wall and processor time of one run in a process of its own, with all processes that it waits for."""
    began, before = time.perf_counter(), _processor_time()
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{pipeline.parents[1] / 'mlflow.db'}"}
    subprocess.run(
        [sys.executable, "-c", RUN, str(pipeline), option], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - began, _processor_time() - before


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _copied(folder: Path, name: str) -> Path:
    import shutil

    (folder / "pyproject.toml").touch()
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    return Path(shutil.copytree(ROOT / "pipelines" / name, folder / "pipelines" / name))


def _trivial(folder: Path) -> Path:
    (folder / "pyproject.toml").touch()
    cells = [_cell(f"step:s{n}", f"x{n} = x{n - 1} + 1" if n else "x0 = 0") for n in range(10)]
    notebook: dict[str, Any] = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "notebooks" / "trivial.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook))
    promote = "import sys; from cellmill.cli import main; main(['promote', sys.argv[1]])"
    subprocess.run([sys.executable, "-c", promote, str(path)], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return folder / "pipelines" / "trivial"


def _cell(tag: str, source: str) -> dict[str, Any]:
    head = {"cell_type": "code", "id": tag.replace(":", "-"), "metadata": {"tags": [tag]}}
    return head | {"source": source, "outputs": [], "execution_count": None}


if __name__ == "__main__":
    main()
