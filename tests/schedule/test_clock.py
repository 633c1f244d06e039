"""What schedulers do when the clock is changed, by people or by law, or the machine sleeps."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from scheduled import Project, until

from cellmill.schedule.claims import Limits
from cellmill.schedule.service import Scheduler

BERLIN = ZoneInfo("Europe/Berlin")


class Clocked:
    """A scheduler that goes by a clock of ours, and starts nothing."""

    def __init__(self, project: Project, start: datetime) -> None:
        self.now = start.timestamp()
        self.project = project
        self.scheduler = self._made()

    def _made(self) -> Scheduler:
        return Scheduler(self.project.store, [self.project.root], Limits(0, {}), clock=lambda: self.now)

    def step(self, moment: datetime | None = None) -> None:
        """Let it look once, at that time."""
        self.now = moment.timestamp() if moment is not None else self.now
        self.scheduler.step()

    def go(self, length: timedelta, step: timedelta) -> None:
        """Let time pass."""
        for _ in range(int(length / step)):
            self.now += step.total_seconds()
            self.scheduler.step()

    def restart(self, moment: datetime) -> None:
        """Die, and come back later."""
        self.scheduler = self._made()
        self.step(moment)

    def due(self, zone: ZoneInfo = BERLIN) -> list[str]:
        """When ticks were due, on a zone's clock; of missed ones how many."""
        return [
            f"{datetime.fromtimestamp(tick.due, zone):%m-%d %H:%M}"
            + (f" {tick.state} {tick.count}" if tick.state != "queued" else "")
            for tick in self.project.ticks()
        ]


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Any]:
    project = Project(tmp_path)

    def made(start: datetime, **schedule: Any) -> Clocked:
        entry = {"name": "one", "timezone": "Europe/Berlin", **schedule}
        project.pipeline("a", [entry])
        found = Clocked(project, start)
        found.step()
        return found

    yield made
    project.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_fixed_time_that_is_skipped_runs_after_the_change_and_one_that_comes_twice_runs_once(clocked: Any) -> None:
    spring = clocked(at("2026-03-28T12:00"), cron="30 2 * * *")
    spring.go(timedelta(days=2), timedelta(minutes=10))
    # 02:30 of the 29th does not exist.
    assert spring.due() == ["03-29 03:00", "03-30 02:30"]


def test_a_time_that_comes_twice_runs_once(clocked: Any) -> None:
    autumn = clocked(at("2026-10-24T12:00"), cron="30 2 * * *")
    autumn.go(timedelta(days=2), timedelta(minutes=10))
    assert autumn.due() == ["10-25 02:30", "10-26 02:30"]


def test_each_hour_that_passes_counts_when_clocks_go_back(clocked: Any) -> None:
    autumn = clocked(at("2026-10-24T23:30"), cron="0 * * * *")
    autumn.go(timedelta(hours=4), timedelta(minutes=10))
    assert autumn.due() == ["10-25 02:00", "10-25 02:00", "10-25 03:00", "10-25 04:00"]
    assert len({tick.due for tick in autumn.project.ticks()}) == 4


def test_a_clock_that_is_set_back_runs_nothing_twice(clocked: Any) -> None:
    found = clocked(at("2026-06-01T10:00"), cron="*/10 * * * *")
    found.go(timedelta(hours=1), timedelta(minutes=1))
    before = found.due()
    found.step(at("2026-06-01T10:05"))
    found.go(timedelta(minutes=50), timedelta(minutes=1))
    assert found.due() == before
    found.go(timedelta(minutes=20), timedelta(minutes=1))
    assert found.due() == [*before, "06-01 13:10"]


def test_a_clock_that_jumps_ahead_is_a_scheduler_that_was_away(clocked: Any) -> None:
    found = clocked(at("2026-06-01T10:00"), cron="0 * * * *", misfire="once")
    found.step(at("2026-06-01T15:30"))
    assert found.due() == ["06-01 13:00 missed 4", "06-01 17:00"]
    found.go(timedelta(hours=1), timedelta(minutes=1))
    assert found.due()[2:] == ["06-01 18:00"]


@pytest.mark.parametrize(
    "misfire, told",
    [
        ("skip", ["06-01 13:00 missed 3"]),
        ("once", ["06-01 13:00 missed 2", "06-01 15:00"]),
        ("all", ["06-01 13:00", "06-01 14:00", "06-01 15:00"]),
    ],
)
def test_what_was_due_while_no_scheduler_ran_is_seen_to_once(clocked: Any, misfire: str, told: list[str]) -> None:
    found = clocked(at("2026-06-01T10:30"), cron="0 * * * *", misfire=misfire)
    found.restart(at("2026-06-01T13:30"))
    assert found.due() == told
    found.restart(at("2026-06-01T13:40"))
    assert found.due() == told


def test_a_scheduler_that_sleeps_keeps_its_run_and_catches_up(tmp_path: Path) -> None:
    project = Project(tmp_path)
    try:
        slow = "import time\nopen('../../begun', 'a').write('x\\n')\ntime.sleep(6)"
        project.pipeline("a", [{"name": "hand", "cron": "0 0 1 1 *"}], {"one": slow})
        project.pipeline("b", [{"name": "often", "every": "3s", "misfire": "once", "grace": "1s"}])
        first = project.scheduler("--max-runs", "2")
        until(lambda: "new: b/often" in project.logs())
        project.cellmill("schedule", "run-now", "hand")
        until(lambda: project.lines("begun"))
        second = project.scheduler("--max-runs", "2")
        until(lambda: project.logs().count("serves") == 2)
        for one in (first, second):
            one.send_signal(signal.SIGSTOP)
        time.sleep(8)
        for one in (first, second):
            one.send_signal(signal.SIGCONT)

        until(lambda: project.states("a/hand") == ["succeeded"])
        until(lambda: any(tick.state == "missed" for tick in project.ticks("b/often")))
        assert project.lines("begun") == ["x"]
        times = [tick for tick in project.ticks("b/often") if tick.state != "missed"]
        assert len({tick.due for tick in times}) == len(times)
        assert "taken for dead" not in project.logs()
        assert "Took over" not in project.logs()
    finally:
        project.close()
