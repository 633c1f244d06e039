"""Kills of what a run consists of or needs, drawn from a seed, and what must be true after each."""

from __future__ import annotations

import json
import random
import sqlite3
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from dask_machines import Machines
from mlflow_server import Server
from running import until
from small_disk import fill, small_disk

from faults import STEPS, TOTAL, Faulty, kill_all

# What dies in the run itself; what it needs a server or other machines for.
TARGETS = ("runner", "kernel", "spare", "warm", "recorder", "all", "disk")
SERVED = ("mlflow", "dask")
# About as many as a whole run tells: a moment is a little after one of them, or before the first.
EVENTS = 30
# Seconds that a run may go on after its tracking server died: for what is left of it, and MLflow's few tries.
PATIENCE = 60


@dataclass(frozen=True)
class Kill:
    """What is killed, after how many events, how many seconds later; ``pick`` (0 to 1) chooses among several."""

    target: str
    warm: bool
    moment: int
    later: float
    pick: float


def drawn(seed: int, number: int) -> list[Kill]:
    """So many kills, the same for the same seed; the second is of what needs a server."""
    chance = random.Random(seed)
    kills = []
    for at in range(number):
        target = chance.choice(SERVED if at == 1 else TARGETS if at == 0 else (*TARGETS, *SERVED))
        warm = chance.random() < 0.5 or target in ("spare", "warm")
        # Of the first steps nothing is told, and a spare is there, only for a while.
        first, last = (3, 24) if target in ("spare", "warm", "dask") else (0, EVENTS)
        kills.append(Kill(target, warm, chance.randint(first, last), chance.uniform(0, 0.3), chance.random()))
    return kills


class Place:
    """Where runs are killed: the pipeline on this machine, and how its processes are hit."""

    def __init__(self, folder: Path) -> None:
        self.faulty = Faulty(folder / "project")
        self.began = 0.0

    def prepare(self) -> None:
        """Begin anew."""
        self.faulty.clear()
        self.began = time.time()

    def hit(self, runner: int, kill: Kill) -> bool:
        """Kill what is meant, if it is there."""
        victims = self.faulty.victims(runner, kill.target)
        if victims and kill.target != "all":
            victims = [victims[int(kill.pick * len(victims))]]
        kill_all(victims)
        return bool(victims)

    def recover(self) -> None:
        """What is done between the run that was hit and the next command."""

    def check(self, kill: Kill, state: str, seconds: float) -> None:
        """What must be true of the run that was hit, ``seconds`` after that."""
        allowed = {
            "recorder": {"succeeded"},
            "kernel": {"succeeded", "failed"},
            # Killed in the moment in which it was taken, it is a kernel.
            "spare": {"succeeded", "failed"},
            "warm": {"succeeded", "failed"},
        }
        assert state in allowed.get(kill.target, {"succeeded", "failed", "lost", "not begun"}), state

    def check_again(self) -> None:
        """What must be true after the second command."""
        if self._running():
            # The recording process was killed, too: the next run that is recorded ends what it has left.
            done = self.faulty.cellmill(*self.faulty.run_words, "--only", "load", "--force")
            assert done.returncode == 0, done.stdout
        assert not self._running(), "runs for ever in MLflow"

    def _running(self) -> list[str]:
        """The runs of this round that MLflow takes for running."""
        with closing(sqlite3.connect(self.faulty.project / "mlflow.db")) as database:
            if not database.execute("SELECT name FROM sqlite_master WHERE name = 'runs'").fetchall():
                return []
            query = "SELECT name FROM runs WHERE status = 'RUNNING' AND start_time > ?"
            return [str(name) for (name,) in database.execute(query, (self.began * 1000,))]

    def close(self) -> None:
        """End what it holds."""
        self.faulty.end_what_is_left()


class SmallDisk(Place):
    """The whole project is on a disk that is filled in the middle of a run."""

    def __init__(self, folder: Path) -> None:
        self._open = ExitStack()
        self._disk = self._open.enter_context(small_disk(folder / "disk", megabytes=48))
        self.faulty = Faulty(self._disk / "project")
        self._filler: Path | None = None

    def hit(self, runner: int, kill: Kill) -> bool:
        self._filler = fill(self._disk)
        return True

    def recover(self) -> None:
        assert self._filler is not None
        self._filler.unlink()

    def check(self, kill: Kill, state: str, seconds: float) -> None:
        assert state in ("succeeded", "failed", "not begun"), state
        told = self.faulty.log.read_text()
        assert "Traceback" not in told
        if state == "failed":
            assert "no space left on the disk" in told, told

    def close(self) -> None:
        super().close()
        self._open.close()


class TrackedByServer(Place):
    """Runs are recorded over HTTP by a server that dies, and is back for the next command."""

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder)
        self._server.start()
        self.faulty = Faulty(folder / "project", variables={"MLFLOW_TRACKING_URI": self._server.uri})

    def prepare(self) -> None:
        super().prepare()
        self._server.answers()

    def hit(self, runner: int, kill: Kill) -> bool:
        self._server.stop()
        return True

    def recover(self) -> None:
        self._server.start()
        pushed = self.faulty.cellmill("track", "push")
        assert pushed.returncode == 0, pushed.stdout
        assert not list(self.faulty.project.glob(".cellmill/spool/*/mlflow.db"))
        (run,) = self.faulty.runs()
        (tracked,) = [one for one in self._tracked() if run["run_id"] in one["info"]["run_name"]]
        parts = [one for one in self._tracked() if _tags(one).get("mlflow.parentRunId") == tracked["info"]["run_id"]]
        assert sorted(one["info"]["run_name"] for one in parts) == sorted(STEPS)
        assert {one["info"]["status"] for one in [tracked, *parts]} == {"FINISHED"}

    def check(self, kill: Kill, state: str, seconds: float) -> None:
        assert state == "succeeded", self.faulty.log.read_text()
        assert seconds < PATIENCE, f"the run went on for {seconds:.0f} s without its server"

    def check_again(self) -> None:
        assert all(one["info"]["status"] != "RUNNING" for one in self._tracked())

    def close(self) -> None:
        super().close()
        self._server.stop()

    def _tracked(self) -> list[dict[str, Any]]:
        experiments = self._ask("experiments", {"max_results": 100})["experiments"]
        wanted = [one["experiment_id"] for one in experiments]
        runs: list[dict[str, Any]] = self._ask("runs", {"experiment_ids": wanted, "max_results": 5000})["runs"]
        return runs

    def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        address = f"{self._server.uri}/api/2.0/mlflow/{what}/search"
        request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def _tags(tracked: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in tracked["data"]["tags"]}


class OnDask(Place):
    """Steps run on two workers with folders of their own; one of them dies, and another is started for the next run."""

    def __init__(self, folder: Path) -> None:
        self._machines = Machines(folder)
        self._machines.start(workers=2)
        self._workers = list(self._machines.workers)
        self._number = 0
        variables = {name: value for name, value in self._machines.environment.items() if name.startswith("AWS_")}
        options = ("--executor", "dask", "--scheduler", self._machines.scheduler, "--env", "prod")
        self.faulty = Faulty(folder / "project", options=options, variables=variables)

    def prepare(self) -> None:
        super().prepare()
        self._number += 1
        profile = self.faulty.project / "pipelines" / "churn" / "env.prod.yaml"
        profile.write_text(f"storage: {self._machines.storage}/{self._number}\n")

    def hit(self, runner: int, kill: Kill) -> bool:
        victim = self._workers.pop(int(kill.pick * 2))
        kernels = psutil.Process(victim.pid).children(recursive=True)
        victim.kill()
        victim.wait()
        _, left = psutil.wait_procs(kernels, timeout=20)
        assert not left, f"kernels outlive their worker: {left}"
        return True

    def recover(self) -> None:
        self._workers.append(self._machines.add_worker())

    def check(self, kill: Kill, state: str, seconds: float) -> None:
        assert state == "succeeded", self.faulty.log.read_text()
        for worker in self._workers:
            _, left = psutil.wait_procs(psutil.Process(worker.pid).children(recursive=True), timeout=20)
            assert not left, f"a worker's kernels stay: {left}"

    def close(self) -> None:
        super().close()
        self._machines.close()


def place_of(target: str, folder: Path) -> Place:
    """Make the place in which such a target is hit; Skipped where there can be none."""
    folder.mkdir()
    made = {"disk": SmallDisk, "mlflow": TrackedByServer, "dask": OnDask}
    return made.get(target, Place)(folder)


def kill_once(place: Place, kill: Kill) -> tuple[str, str]:
    """Kill a run and run again, with all that must be true; what became of the run, and all in a sentence."""
    faulty = place.faulty
    faulty.warm = kill.warm
    place.prepare()
    runner = faulty.start()
    until(lambda: faulty.events() >= kill.moment or runner.poll() is not None, 60)
    time.sleep(kill.later)
    hit = place.hit(runner.pid, kill)
    began = time.monotonic()
    code = runner.wait(120)
    seconds = time.monotonic() - began
    faulty.assert_nothing_stays()
    place.recover()
    complete = faulty.assert_whole()
    runs = faulty.runs()
    for run in runs:
        assert run["state"] in ("succeeded", "failed", "lost"), run
        assert run["ended_at"] is not None
        assert run["ended_at"] >= run["started"]
    state = runs[-1]["state"] if runs else "not begun"
    # A run that is killed when all is done has succeeded.
    ended_well = (0, -9) if kill.target in ("runner", "all") else (0,)
    assert state != "succeeded" or code in ended_well, (code, faulty.log.read_text())
    assert code != 0 or state == "succeeded", (state, faulty.log.read_text())
    place.check(kill, state, seconds)
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
    place.check_again()
    state = state if hit else f"{state} (not there)"
    kernels = "warm" if kill.warm else "plain"
    return state, (
        f"{kill.target}, {kernels} kernels, {kill.later:.2f} s after event {kill.moment}: "
        f"{state}, exit {code}, {len(complete)} steps whole"
    )


def table(rows: list[tuple[str, str]]) -> str:
    """By target, how often it was hit, and what became of the runs."""
    states = sorted({state for _, state in rows})
    lines = [("target", "kills", *states)]
    for target in (*TARGETS, *SERVED):
        of_target = Counter(state for found, state in rows if found == target)
        if of_target:
            lines.append((target, str(of_target.total()), *(str(of_target[state] or "") for state in states)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
