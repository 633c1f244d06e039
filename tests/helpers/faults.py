"""A pipeline that is killed at any moment, and what must be true of it then and after the same command again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from running import is_spare, is_warm, marked, parent, until

CELLS = [
    ("import time\n\nimport numpy as np", "shared"),
    ("n = 200_000", "parameters"),
    ("xs = np.arange(n, dtype=float)\ntime.sleep(0.1)", "step:load"),
    ("squares = xs**2\ntime.sleep(0.2)\nprint('squared')", "step:square"),
    ("halves = xs / 2\ntime.sleep(0.2)\nprint('halved')", "step:halve"),
    ("total = float(squares.sum() + halves.sum())\ntime.sleep(0.1)\nprint(f'total {total:.1f}')", "step:total"),
]
STEPS = ("load", "square", "halve", "total")
TOTAL = "total 2666656666650000.0"


@dataclass
class Faulty:
    """A promoted pipeline, the command that runs it, and the processes that belong to it.

    ``options`` are further ones of the command; ``variables``, of its environment.
    """

    project: Path
    warm: bool = False
    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        (self.project / "notebooks").mkdir(parents=True)
        (self.project / "pyproject.toml").write_text("")
        notebook = nbformat.v4.new_notebook()
        for number, (source, tag) in enumerate(CELLS):
            notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": [tag]}))
        nbformat.write(notebook, self.project / "notebooks" / "churn.ipynb")
        self.output = self.project / "pipelines" / "churn" / "output"
        done = self.cellmill("promote", "notebooks/churn.ipynb")
        assert done.returncode == 0, done.stdout

    def cellmill(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments),
            cwd=self.project,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def start(self) -> subprocess.Popen[str]:
        # Not in the project: its disk may be full.
        with self.log.open("w") as log:
            return subprocess.Popen(
                self._command(*self.run_words),
                cwd=self.project,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    @property
    def run_words(self) -> tuple[str, ...]:
        return ("run", "churn", "--jobs", "2", "--warm" if self.warm else "--no-warm", *self.options)

    @property
    def log(self) -> Path:
        """What the run that was started has printed."""
        return self.project.parent / f"{self.project.name}.log"

    def _command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("cellmill")), *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.project}/mlflow.db"}
        return {**os.environ, **store, **self.variables, "CELLMILL_MARK": self.mark}

    def processes(self) -> dict[int, str]:
        """What belongs to the runs: their command lines by process."""
        found = {}
        for pid in marked(f"CELLMILL_MARK={self.mark}"):
            try:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def victims(self, runner: int, target: str) -> list[int]:
        """The processes of a kind, in order."""
        others = {pid: words for pid, words in self.processes().items() if pid != runner}
        spares = {pid for pid in others if is_spare(pid)}
        warm = {pid for pid in others if is_warm(pid) and parent(pid) == runner}
        match target:
            case "runner":
                found = {runner}
            case "spare":
                found = spares
            case "warm":
                found = warm
            case "kernel":
                kernels = {pid for pid, words in others.items() if "ipykernel" in words or is_warm(pid)}
                found = kernels - warm - spares
            case "recorder":
                found = {pid for pid, words in others.items() if "cellmill.track.worker" in words}
            case _:
                found = {runner, *others}
        return sorted(found)

    def end_what_is_left(self) -> None:
        """After a test that failed: the next one is not to see it."""
        kill_all(self.processes())

    # What must be true

    def assert_nothing_stays(self) -> None:
        until(lambda: not self.processes(), 20)

    def assert_whole(self) -> set[str]:
        """All that is visible can be read to its end; the steps whose products count."""
        complete = set()
        for path in self.output.rglob("*"):
            if path.is_dir() or any(part.startswith(".") for part in path.relative_to(self.output).parts):
                continue
            if path.suffix == ".ipynb":
                assert _ended(path), f"{path} is neither executed to its end nor to an error"
            elif path.suffix == ".json":
                json.loads(path.read_text())
            elif path.suffix == ".html":
                assert path.read_text().rstrip().endswith("</html>"), path
        for step in STEPS:
            manifest = self.output / step / "variables.json"
            if manifest.exists():
                for described in json.loads(manifest.read_text())["variables"].values():
                    if described.get("file"):
                        assert (manifest.parent / described["file"]).exists()
            marks = [f".{step}.ipynb.metadata", f".{step}.html.metadata", f"{step}/.variables.json.metadata"]
            if any((self.output / mark).exists() for mark in marks):
                assert manifest.exists()
                assert (self.output / f"{step}.ipynb").exists()
                assert (self.output / f"{step}.html").exists()
                # One mark after the other is set, and a step of which one is missing is done again.
                if all((self.output / mark).exists() for mark in marks):
                    complete.add(step)
        return complete

    def events(self) -> int:
        """How many events the runs have told."""
        return sum(path.read_bytes().count(b"\n") for path in self.project.glob(".cellmill/runs/*/events.jsonl"))

    def runs(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = json.loads(self.cellmill("runs", "--json").stdout)["runs"]
        return sorted(told, key=lambda run: float(run["started"]))

    def clear(self) -> None:
        """As if nothing had ever run; the MLflow store stays, and its artifacts, which nobody reads, go."""
        made = [self.output, self.project / ".cellmill", self.project / "mlartifacts"]
        subprocess.run(["rm", "-rf", *map(str, made)], check=True)


def kill_all(victims: Iterable[int]) -> None:
    """Kill those that are still there."""
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _ended(path: Path) -> bool:
    """Whether all cells of a notebook were executed, or one of them failed."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and cell.source]
    failed = any(output.output_type == "error" for cell in cells for output in cell.outputs)
    return failed or all(cell.execution_count is not None for cell in cells)
