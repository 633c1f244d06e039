"""Projects to measure with: a notebook, its pipeline, its code as a script, and the commands that run them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import SCRIPTS, Work, command, promoted

CELLMILL, PLOOMBER, PAPERMILL = (str(SCRIPTS / name) for name in ("cellmill", "ploomber", "papermill"))


def chain(steps: int) -> list[tuple[str, str]]:
    """Trivial steps, each from the one above."""
    return [(f"step:s{number}", f"x{number} = x{number - 1} + 1" if number else "x0 = 0") for number in range(steps)]


@dataclass(frozen=True)
class Project:
    """A promoted notebook in a folder of its own."""

    root: Path
    pipeline: Path
    notebook: Path
    script: Path
    steps: tuple[str, ...]

    def cellmill(self, *options: str) -> Work:
        """``cellmill run`` of all steps, recorded in MLflow as ever."""
        return command(CELLMILL, "run", str(self.pipeline), "--force", *options)

    def ploomber(self) -> Work:
        """``ploomber build`` of all steps."""
        return command(PLOOMBER, "build", "--force", cwd=self.pipeline)

    def papermill(self) -> Work:
        """Papermill on the whole notebook."""
        return command(PAPERMILL, str(self.notebook), str(self.root / "whole.ipynb"), cwd=self.notebook.parent)

    def papermill_loop(self) -> Work:
        """Papermill on each step by itself, with the parameters that Ploomber gave it; the pipeline has run."""
        calls = [
            command(
                PAPERMILL, str(self.executed(step)), str(self.root / f"loop-{step}.ipynb"), cwd=self.notebook.parent
            )
            for step in self.steps
        ]

        def loop() -> None:
            for call in calls:
                call()

        return loop

    def python(self) -> Work:
        """The notebook's code as a script."""
        return command(sys.executable, str(self.script), cwd=self.notebook.parent)

    def executed(self, step: str) -> Path:
        """The notebook that a step's last run left."""
        return self.pipeline / "output" / f"{step}.ipynb"


@contextmanager
def project(cells: Sequence[tuple[str, str]]) -> Iterator[Project]:
    """Make a project of cells with a tag each, in a temporary folder that is the current one meanwhile."""
    before = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="cellmill-")).resolve()
    try:
        pipeline = promoted(folder, cells)
        os.chdir(pipeline)
        script = folder / "notebooks" / "chain.py"
        script.write_text("\n\n".join(source for _, source in cells) + "\n")
        steps = tuple(dict.fromkeys(tag.partition(":")[2] for tag, _ in cells if tag.startswith("step:")))
        yield Project(folder, pipeline, folder / "notebooks" / "chain.ipynb", script, steps)
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def cell_seconds(notebook: Path) -> dict[str, float]:
    """How long an executed notebook's cells took, by Papermill's own measure: the hand-over's by tag, others as ""."""
    found: dict[str, float] = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        tags = cell["metadata"].get("tags", [])
        tag = next((tag for tag in tags if tag in ("inputs", "outputs")), "")
        taken = cell["metadata"].get("papermill", {}).get("duration") or 0.0
        found[tag] = found.get(tag, 0.0) + taken
    return found
