"""Projects with schedules, and real schedulers that serve them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from cellmill.schedule.declare import known_schedules
from cellmill.schedule.store import Store
from cellmill.schedule.ticks import Tick, ticks_of

COMMAND = [sys.executable, "-c", "from cellmill.cli import main; main(prog_name='cellmill')"]
PARAMETERS = '# %% tags=["parameters"]\nupstream = {upstream}\nproduct = None\n'


class Project:
    """A project of plain Ploomber pipelines with schedules; each step appends what it is told to a file.

    Parameters
    ----------
    root
        An empty folder.
    url
        The schedulers' store; by default the project's own.
    """

    def __init__(self, root: Path, url: str | None = None) -> None:
        self.root = root.resolve()
        self.url = url or f"sqlite:///{self.root / '.cellmill' / 'schedules.db'}"
        self.schedulers: list[subprocess.Popen[str]] = []
        self._stores: list[Store] = []
        (self.root / "pyproject.toml").touch()

    def pipeline(
        self,
        name: str,
        schedule: Sequence[dict[str, Any]],
        steps: dict[str, str] | None = None,
        env: dict[str, Any] | None = None,
    ) -> Path:
        """Write a pipeline; its steps follow each other."""
        folder = self.root / "pipelines" / name
        (folder / "tasks").mkdir(parents=True, exist_ok=True)
        tasks, before = [], []
        for step, code in (steps or {"only": "1"}).items():
            params = "".join(f"{one} = None\n" for one in env or {})
            head = PARAMETERS.format(upstream=before or None) + params
            (folder / "tasks" / f"{step}.py").write_text(f"{head}\n# %%\n{code}\n")
            tasks.append(
                {
                    "source": f"tasks/{step}.py",
                    "name": step,
                    "product": {"nb": f"{{{{here}}}}/output/{step}.ipynb"},
                    "params": {one: f"{{{{{one}}}}}" for one in env or {}},
                    "static_analysis": "disable",
                    "executor_params": {"cwd": "{{workdir}}", "progress_bar": False, "log_output": False},
                }
            )
            before = [step]
        (folder / "pipeline.yaml").write_text(yaml.safe_dump({"tasks": tasks}))
        (folder / "env.yaml").write_text(yaml.safe_dump({"workdir": "{{here}}", **(env or {})}))
        self.declare(folder, schedule)
        return folder

    def declare(self, folder: Path, schedule: Sequence[dict[str, Any]]) -> None:
        """Write a folder's schedules."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cellmill.yaml").write_text(yaml.safe_dump({"schedule": list(schedule)}))

    def scheduler(
        self, *options: str, command: Sequence[str] = tuple(COMMAND), **environment: str
    ) -> subprocess.Popen[str]:
        """Start a scheduler."""
        log = (self.root / f"scheduler-{len(self.schedulers)}.log").open("w")
        started = subprocess.Popen(
            [*command, "scheduler", "--store", self.url, *options],
            cwd=self.root,
            env={**os.environ, **environment},
            # A hosted one ends with it.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        log.close()
        self.schedulers.append(started)
        return started

    def cellmill(self, *words: str, check: bool = True) -> str:
        """Run a command in the project; what it printed."""
        if words[0] == "schedule":
            return self._here(words, check=check)
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.root,
            env={**os.environ, "CELLMILL_STORE": self.url},
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def _here(self, words: Sequence[str], *, check: bool) -> str:
        """Run a command that takes no time but its imports, which this process has done."""
        from cellmill.cli import main

        before = Path.cwd()
        os.chdir(self.root)
        try:
            done = CliRunner().invoke(main, words, env={"CELLMILL_STORE": self.url}, prog_name="cellmill")
        finally:
            os.chdir(before)
        assert not check or done.exit_code == 0, done.output
        return done.output

    @property
    def store(self) -> Store:
        """The store, as this process sees it."""
        if not self._stores:
            self._stores.append(Store(self.url))
        return self._stores[0]

    def ticks(self, label: str | None = None) -> list[Tick]:
        """What became of the times of a schedule, or of all, the first due first."""
        known = [one.id for one in known_schedules(self.store) if label in (None, one.label)]
        return ticks_of(self.store, known, limit=10_000)[::-1]

    def states(self, label: str | None = None) -> list[str]:
        return [tick.state for tick in self.ticks(label)]

    def logs(self) -> str:
        """What the schedulers wrote."""
        return "".join(path.read_text() for path in sorted(self.root.glob("scheduler-*.log")))

    def lines(self, name: str) -> list[str]:
        """The lines of a file of the project that steps write to."""
        file = self.root / name
        return file.read_text().splitlines() if file.exists() else []

    def close(self) -> None:
        """End what goes on."""
        for one in self.schedulers:
            if one.poll() is None:
                one.send_signal(signal.SIGCONT)
                one.kill()
            one.communicate()
        for tick in self.ticks():
            if tick.state == "running" and tick.record:
                with suppress(OSError, ValueError):
                    kill_run(Path(tick.record))
        for store in self._stores:
            store.close()


def kill_run(record: Path) -> None:
    """Kill the process of a run."""
    from cellmill.run.log import read_json

    if (pid := read_json(record / "run.json").get("pid", 0)) > 1:
        os.kill(pid, signal.SIGKILL)


def until(done: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait until something is so; what it gave."""
    limit = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < limit, "it did not come in time"
        time.sleep(0.05)
    return found
