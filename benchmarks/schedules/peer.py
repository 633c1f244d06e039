"""A small notebook each minute: from due to started and to completed, by cellmill and by jupyter-scheduler.

One is due at each full minute, the other half a minute later, so that their runs do not meet. jupyter-scheduler is
driven by its own server's REST API, in a virtual environment of its own. It looks for what is due every ten seconds
from its start on, so each time is measured with a server of its own, started at another second of the ten.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedules.row import Options, Row
from schedules.served import served, write_notebook

PEER = ("jupyter-scheduler==2.12.1", "jupyter_server", "ipykernel")
_MINUTE = 60.0
# Seconds between two looks of jupyter-scheduler's, by its own default.
_POLLS = 10.0


def measured(options: Options) -> Iterator[Row]:
    """Rows of the table."""
    # cellmill half a minute after the full one, by which jupyter-scheduler goes.
    own = [{"name": "often", "cron": "30 * * * * *", "timezone": "UTC"}]
    with _environment(options.peer) as commands, served(own) as project:
        # The first of each is not counted.
        jobs = [_job(commands, turn * _POLLS / options.repeats) for turn in range(options.repeats + 1)][1:]
        ticks = project.wait_for(options.repeats + 1, 3 * _MINUTE)[1:]
    case = f"a small notebook each minute, {options.repeats} times, medians"
    peer = f"jupyter-scheduler {_version(PEER[0])}"
    yield _row(case, "from due to started", [at.started - at.due for at in ticks], peer, [at.started for at in jobs])
    ended = [at.ended - at.due for at in ticks]
    yield _row(case, "from due to completed", ended, peer, [at.completed for at in jobs], times=5.0)
    lasting = [at.ended - at.started for at in ticks]
    yield _row(case, "from started to completed", lasting, peer, [at.completed - at.started for at in jobs])


@dataclass(frozen=True)
class Job:
    """A job of jupyter-scheduler's: seconds after the full minute at which it was started and completed."""

    started: float
    completed: float


@dataclass(frozen=True)
class Server:
    """A Jupyter server with jupyter-scheduler."""

    root: Path
    address: str

    def schedule(self, notebook: str, cron: str) -> str:
        """Make a job definition; its id."""
        (environment, *_) = self._ask("runtime_environments")
        definition = {
            "name": "often",
            "input_uri": notebook,
            "runtime_environment_name": environment["name"],
            "output_formats": ["ipynb"],
            "schedule": cron,
            "timezone": "UTC",
        }
        return str(self._ask("job_definitions", definition)["job_definition_id"])

    def jobs(self, definition: str) -> list[dict[str, Any]]:
        """The jobs of a definition, the first first."""
        found: list[dict[str, Any]] = self._ask(f"jobs?job_definition_id={definition}")["jobs"]
        return sorted(found, key=lambda job: int(job["create_time"]))

    def log(self) -> str:
        """The end of what the server wrote."""
        return (self.root / "server.log").read_text()[-2000:]

    def _ask(self, path: str, content: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.address}scheduler/{path}",
            data=json.dumps(content).encode() if content is not None else None,
            headers={"Authorization": "token benchmark", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def _job(commands: Path, second: float) -> Job:
    """The first job of a server that is started so many seconds after a look."""
    time.sleep((second - time.time()) % _POLLS)
    with _server(commands) as server:
        definition = server.schedule("small.ipynb", "* * * * *")
        limit = time.monotonic() + 3 * _MINUTE
        while not (found := [job for job in server.jobs(definition) if job["status"] in ("COMPLETED", "FAILED")]):
            if time.monotonic() > limit:
                raise RuntimeError(f"no job has ended: {server.log()}")
            time.sleep(1.0)
    job = found[0]
    if job["status"] == "FAILED":
        raise RuntimeError(f"a job of jupyter-scheduler failed: {job['status_message']}")
    # Its times are milliseconds; a job is due at the full minute before it was made.
    due = job["create_time"] // 60_000 * 60_000
    return Job((job["start_time"] - due) / 1000, (job["end_time"] - due) / 1000)


def _row(case: str, what: str, own: list[float], peer: str, other: list[float], times: float | None = None) -> Row:
    return Row(case, what, statistics.median(own), "s", peer, statistics.median(other), times=times)


@contextmanager
def _environment(given: str | None) -> Iterator[Path]:
    """The folder of the commands of a virtual environment with jupyter-scheduler; made where none is given."""
    if given is not None:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        commands = Path(folder) / "bin"
        subprocess.run([commands / "python", "-m", "pip", "install", "--quiet", *PEER], check=True)
        yield commands


@contextmanager
def _server(commands: Path) -> Iterator[Server]:
    root = Path(tempfile.mkdtemp(prefix="cellmill-")).resolve()
    for name in ("data", "config", "runtime", "work"):
        (root / name).mkdir()
    write_notebook(root / "work" / "small.ipynb")
    environment = {
        "PATH": f"{commands}{os.pathsep}{os.defpath}",
        "HOME": str(root),
        **{f"JUPYTER_{name.upper()}_DIR": str(root / name) for name in ("data", "config", "runtime")},
    }
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port=0"]
    options += ["--IdentityProvider.token=benchmark", f"--ServerApp.root_dir={root / 'work'}"]
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [commands / "jupyter", "server", *options], cwd=root, env=environment, stdout=log, stderr=log
        )
    try:
        while not (found := list((root / "runtime").glob("jpserver-*.json"))):
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {(root / 'server.log').read_text()[-2000:]}")
            time.sleep(0.2)
        time.sleep(2.0)  # the file is there before the server answers
        yield Server(root, json.loads(found[0].read_text())["url"])
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(root, ignore_errors=True)


def _version(requirement: str) -> str:
    return requirement.partition("==")[2]
