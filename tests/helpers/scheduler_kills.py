"""Schedulers, their runs and their helpers killed at any moment; afterwards each time is accounted for, once."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from scheduled import Project, until

from cellmill.run.history import LoggedRun
from cellmill.schedule.declare import Known, known_schedules
from cellmill.schedule.planner import next_due
from cellmill.schedule.store import ENDED
from cellmill.schedule.ticks import Tick

TARGETS = ("scheduler", "scheduler", "scheduler", "both schedulers", "run", "run's helper", "stopped")
STEP = """
import os
with open("../../told", "a") as file:
    file.write(f"{name} {due}\\n")
"""


@dataclass
class Result:
    """What became of all times, and what was wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    due: int = 0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        """A few lines."""
        times = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        killed = ", ".join(f"{number} x {target}" for target, number in sorted(self.kills.items()))
        return f"killed: {killed}\ntimes due: {self.due}; {times}; wrong: {len(self.wrong)}"


class Killing:
    """A project with many schedules and two schedulers, of which one or another thing is killed.

    Parameters
    ----------
    schedules
        How many; five a pipeline.
    every
        Seconds between two times of a schedule.
    """

    def __init__(self, root: Path, url: str | None, schedules: int, seed: int, every: int) -> None:
        self.project = Project(root, url)
        self.random = random.Random(seed)
        self.result = Result()
        policies = [
            {"misfire": misfire, "grace": grace, "overlap": overlap}
            for misfire, overlap in (("once", "queue"), ("skip", "queue"), ("all", "queue"), ("once", "skip"))
            for grace in ("2s", "30s")
        ]
        for number in range(-(-schedules // 5)):
            entries = [
                {
                    "name": f"s{place}",
                    "every": f"{every}s",
                    "jitter": f"{self.random.choice([0, 0, 3])}s",
                    "retries": 3,
                    "retry_delay": "1s",
                    "parameters": {"due": "{{ due | format('%Y%m%d%H%M%S') }}", "name": f"p{number}/s{place}"},
                    **self.random.choice(policies),
                }
                for place in range(min(5, schedules - 5 * number))
            ]
            self.project.pipeline(f"p{number}", entries, {"only": STEP}, {"due": "0", "name": "x"})
        self.living: list[subprocess.Popen[str]] = []

    def begin(self) -> None:
        self.project.cellmill("schedule", "apply")
        for _ in range(2):
            self._start()

    def kill(self) -> None:
        """Kill something, after a while."""
        time.sleep(self.random.uniform(0.05, 1.5))
        target = self.random.choice(TARGETS)
        self.result.kills[target] += 1
        number = 2 if target == "both schedulers" else 1
        match target:
            case "scheduler" | "both schedulers":
                for victim in self.random.sample(self.living, min(number, len(self.living))):
                    victim.kill()
                    victim.wait()
                    self.living.remove(victim)
            case "stopped":
                victim = self.random.choice(self.living)
                victim.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    victim.wait(self.random.uniform(0, 3))
                victim.kill()
                victim.wait()
                self.living.remove(victim)
            case _:
                self._kill_child("--run-record" if target == "run" else "fork_server")
        if self.random.random() < 0.3:
            time.sleep(self.random.uniform(0, 4))  # longer than some of them wait
        while len(self.living) < 2:
            self._start()

    def settle(self, seconds: float = 120) -> None:
        """Let everything that is due be run, then stop."""
        table = self.project.store.table["schedules"]
        from sqlalchemy import update

        # Nothing new is due from now on.
        with self.project.store.locked() as connection:
            connection.execute(update(table).values(paused=True))
            self.project.store.tell_change(connection)
        self.end = time.time()
        with self.project.store.locked() as connection:
            # What waits is run all the same.
            ticks = self.project.store.table["ticks"]
            connection.execute(update(ticks).where(ticks.c.state == "queued").values(cause="hand"))
        until(lambda: not {"queued", "running"} & set(self.project.states()), seconds)
        for one in self.living:
            one.send_signal(signal.SIGTERM)
        for one in self.living:
            if one.wait(timeout=60) != 0:
                self.result.wrong.append(f"a scheduler ended with {one.returncode}")

    def check(self) -> Result:
        """Hold each time of each schedule against what became of it."""
        told = Counter(self.project.lines("told"))
        for known in known_schedules(self.project.store):
            ticks = self.project.ticks(known.label)
            self._check_times(known, ticks)
            for tick in ticks:
                self._check_tick(known, tick, told.pop(f"{known.label} {_written(known, tick)}", 0))
        if told:
            self.result.wrong.append(f"run without having been due: {dict(told)}")
        if "Traceback" in self.project.logs():
            self.result.wrong.append(self.project.logs()[-3000:])
        return self.result

    def _check_times(self, known: Known, ticks: list[Tick]) -> None:
        """Each time has one tick, or lies in one that stands for several."""
        begin = self.begun[known.id]
        at, due = begin, []
        while (at := next_due(known.settings, at) or self.end) < known.since + 1e-6:
            due.append(at)
        self.result.due += len(due)
        left = list(due)
        for tick in sorted(ticks, key=lambda one: (one.state != "missed", one.due)):
            self.result.states[tick.state] += tick.count
            last = tick.until if tick.until is not None else tick.due
            covered = [one for one in left if tick.due <= one <= last] if tick.state == "missed" else [tick.due]
            if len(covered) < tick.count or not set(covered) <= set(left):
                self.result.wrong.append(f"{known.label}: {tick} covers {covered} of {left}")
            left = [one for one in left if one not in covered[: tick.count]]
        if left:
            self.result.wrong.append(f"{known.label}: lost the times {left}")

    def _check_tick(self, known: Known, tick: Tick, told: int) -> None:
        runs = [LoggedRun(Path(tick.record).parent / run) for run in tick.runs] if tick.record else []
        succeeded = [run.run_id for run in runs if run.valid and run.state == "succeeded"]
        begun = [run.run_id for run in runs if run.valid and run.as_dict()["tasks"]]
        problem = None
        if tick.state not in ENDED:
            problem = "has not ended"
        elif tick.state in ("missed", "skipped") and (told or succeeded):
            problem = "was run all the same"
        elif tick.state == "succeeded" and (len(succeeded) != 1 or told < 1):
            problem = f"succeeded with {succeeded}"
        elif told > max(1, len(begun)):
            problem = f"was run {told} times by {begun}"
        elif tick.state == "succeeded" and told > 1 and len(begun) == 1:
            problem = f"was run {told} times"
        elif tick.state == "failed":
            problem = "failed"
        if problem:
            self.result.wrong.append(f"{known.label}: {tick} {problem}")

    def _start(self) -> None:
        self.living.append(self.project.scheduler("--max-runs", "4", "--patience", "2s"))
        if not hasattr(self, "begun"):
            self.begun = {one.id: one.since for one in known_schedules(self.project.store)}

    def _kill_child(self, mark: str) -> None:
        """Kill a process that a scheduler has started."""
        found = []
        for one in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError):
                words = Path("/proc", one, "cmdline").read_bytes().decode(errors="replace")
                variables = Path("/proc", one, "environ").read_bytes().decode(errors="replace")
                if str(self.project.root) in variables and re.search(mark, words):
                    found.append(int(one))
        if mark == "--run-record":
            # Forked ones have their parent's words; their records say who they are.
            running = [tick for tick in self.project.ticks() if tick.state == "running" and tick.record]
            found = [pid for tick in running if (pid := LoggedRun(Path(tick.record)).pid) > 1]
        if found:
            with suppress(ProcessLookupError):
                os.kill(self.random.choice(found), signal.SIGKILL)


def _written(known: Known, tick: Tick) -> str:
    return f"{datetime.fromtimestamp(tick.due, known.settings.zone):%Y%m%d%H%M%S}"


def kill_schedulers(root: Path, url: str | None, *, schedules: int, kills: int, seed: int, every: int) -> Any:
    """Do all of it."""
    killing = Killing(root, url, schedules, seed, every)
    try:
        killing.begin()
        time.sleep(2)
        for _ in range(kills):
            killing.kill()
        time.sleep(every)
        killing.settle(60 + schedules)
        return killing.check()
    finally:
        killing.project.close()
