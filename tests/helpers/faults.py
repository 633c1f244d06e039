"""A pipeline that is killed at any moment, and what must be true of it then and after the same command again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from running import marked, until

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
TARGETS = ("runner", "kernel", "recorder", "all")


@dataclass
class Faulty:
    """A promoted pipeline, the command that runs it, and the processes that belong to it."""

    project: Path
    warm: bool = False
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
        with (self.project / "log").open("w") as log:
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
        return ("run", "churn", "--jobs", "2", "--warm" if self.warm else "--no-warm")

    def _command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("cellmill")), *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.project}/mlflow.db"}
        return {**os.environ, **store, "CELLMILL_MARK": self.mark}

    def processes(self) -> dict[int, str]:
        """What belongs to the runs: their command lines by process."""
        found = {}
        for pid in marked(f"CELLMILL_MARK={self.mark}"):
            try:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def kill(self, runner: subprocess.Popen[str], target: str, chance: random.Random) -> bool:
        """Kill what is meant, if it is there."""
        others = {pid: words for pid, words in self.processes().items() if pid != runner.pid}
        match target:
            case "runner":
                victims = [runner.pid]
            case "kernel":
                victims = [pid for pid, words in others.items() if "ipykernel" in words]
                victims = [chance.choice(sorted(victims))] if victims else []
            case "recorder":
                victims = [pid for pid, words in others.items() if "ipykernel" not in words]
                victims = [chance.choice(sorted(victims))] if victims else []
            case _:
                victims = [runner.pid, *others]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return bool(victims)

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
            if (self.output / f".{step}.ipynb.metadata").exists():
                assert manifest.exists()
                assert (self.output / f"{step}.ipynb").exists()
                assert (self.output / f"{step}.html").exists()
                complete.add(step)
        return complete

    def events(self) -> int:
        """How many events the runs have told."""
        return sum(path.read_bytes().count(b"\n") for path in self.project.glob(".cellmill/runs/*/events.jsonl"))

    def runs(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = json.loads(self.cellmill("runs", "--json").stdout)["runs"]
        return sorted(told, key=lambda run: float(run["started"]))

    def clear(self) -> None:
        """As if nothing had ever run."""
        subprocess.run(["rm", "-rf", str(self.output), str(self.project / ".cellmill")], check=True)


def _ended(path: Path) -> bool:
    """Whether all cells of a notebook were executed, or one of them failed."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and cell.source]
    failed = any(output.output_type == "error" for cell in cells for output in cell.outputs)
    return failed or all(cell.execution_count is not None for cell in cells)


def kill_once(faulty: Faulty, chance: random.Random, target: str, events: int) -> str:
    """Kill a run at some moment and run again; what had happened, in a word.

    The moment is a little after one of the events that a whole run has, or before the first one.
    """
    faulty.clear()
    runner = faulty.start()
    number, later = chance.randrange(events), chance.uniform(0, 0.3)
    until(lambda: faulty.events() >= number or runner.poll() is not None, 60)
    time.sleep(later)
    hit = faulty.kill(runner, target, chance)
    code = runner.wait(120)
    faulty.assert_nothing_stays()
    complete = faulty.assert_whole()
    for run in faulty.runs():
        assert run["state"] in ("succeeded", "failed", "lost"), run
        assert run["ended_at"] is not None
        assert run["ended_at"] >= run["started"]
    before = {step: (faulty.output / f"{step}.ipynb").stat().st_mtime_ns for step in complete}
    again = faulty.cellmill(*faulty.run_words)
    assert again.returncode == 0, again.stdout
    faulty.assert_nothing_stays()
    assert faulty.assert_whole() == set(STEPS)
    after = {step: (faulty.output / f"{step}.ipynb").stat().st_mtime_ns for step in complete}
    assert after == before, "a step that was whole ran again"
    assert TOTAL in (faulty.output / "total.ipynb").read_text()
    left = [path.name for path in faulty.output.iterdir() if "partial" in path.name]
    assert not left
    assert faulty.runs()[-1]["state"] == "succeeded"
    missed = "" if hit else " (not there)"
    return f"after event {number} and {later:.2f} s: {target}{missed}, {len(complete)} steps whole, exit {code}"
