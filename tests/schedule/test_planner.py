"""What becomes of times that have come: misfire policies, grace, jitter, and clocks that are set."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from cellmill.schedule.planner import MOST_MISSED, PlannedTick, jitter, next_due, plan
from cellmill.schedule.settings import ScheduleSettings

HOUR, DAY = 3600.0, 86_400.0
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()


def test_a_time_within_grace_is_run_whatever_the_policy() -> None:
    for misfire in ("skip", "once", "all"):
        ticks = _plan(NOON - 10, NOON + 50, misfire=misfire)
        assert [(tick.due, tick.state) for tick in ticks] == [(NOON, "queued")]


def test_a_time_exactly_at_the_end_of_grace_is_on_time() -> None:
    assert _told(_plan(NOON - 10, NOON + 60, misfire="skip")) == [("queued", 12, 12, 1)]
    assert _told(_plan(NOON - 10, NOON + 60.001, misfire="skip")) == [("missed", 12, 12, 1)]


@pytest.mark.parametrize(
    "misfire, expected",
    [
        ("skip", [("missed", 8, 11, 4)]),
        ("once", [("missed", 8, 10, 3), ("queued", 11, 11, 1)]),
        ("all", [("queued", 8, 8, 1), ("queued", 9, 9, 1), ("queued", 10, 10, 1), ("queued", 11, 11, 1)]),
    ],
)
def test_what_was_missed_is_told_as_one_range_or_run_as_the_policy_says(
    misfire: str, expected: list[tuple[str, int, int, int]]
) -> None:
    ticks = _plan(NOON - 4.5 * HOUR, NOON - 600, misfire=misfire)
    assert _told(ticks) == expected
    assert all("no scheduler ran within 1m" in tick.reason for tick in ticks if tick.state == "missed")


@pytest.mark.parametrize("misfire", ["skip", "once"])
def test_where_a_time_is_due_now_missed_ones_are_not_made_up_for(misfire: str) -> None:
    ticks = _plan(NOON - 4.5 * HOUR, NOON, misfire=misfire)
    assert _told(ticks) == [("missed", 8, 11, 4), ("queued", 12, 12, 1)]


def test_all_runs_the_missed_before_the_present_ones() -> None:
    ticks = _plan(NOON - 1.5 * HOUR, NOON, misfire="all")
    assert _told(ticks) == [("queued", 11, 11, 1), ("queued", 12, 12, 1)]


def test_a_single_time_that_was_missed_is_run_late_and_nothing_is_told_as_missed() -> None:
    assert _told(_plan(NOON - HOUR / 2, NOON + HOUR / 2, misfire="once")) == [("queued", 12, 12, 1)]


def test_all_runs_so_many_and_tells_the_older_ones_as_missed() -> None:
    ticks = _plan(NOON - 2000 * HOUR, NOON + 600, misfire="all")
    assert ticks[0].state == "missed"
    assert ticks[0].count == 2000 - MOST_MISSED
    assert [tick.due for tick in ticks[1:]] == [NOON - HOUR * at for at in reversed(range(MOST_MISSED))]
    assert ticks[0].until == ticks[1].due - HOUR


@pytest.mark.parametrize("trigger", [{"cron": "* * * * *"}, {"every": "1s"}, {"cron": "*/5 * * * * *"}])
@pytest.mark.parametrize("misfire", ["skip", "once", "all"])
def test_a_year_of_missed_times_take_no_time(trigger: dict[str, Any], misfire: str) -> None:
    settings = ScheduleSettings(name="x", timezone="Europe/Berlin", misfire=misfire, **trigger)
    begin = time.process_time()
    ticks = plan("x", settings, NOON - 365 * DAY, NOON)
    assert time.process_time() - begin < 8
    step = {"* * * * *": 60, "1s": 1, "*/5 * * * * *": 5}[next(iter(trigger.values()))]
    assert sum(tick.count for tick in ticks) == 365 * DAY / step
    assert len(ticks) <= 2 * MOST_MISSED + 1


def test_a_grace_of_months_runs_so_many_too() -> None:
    ticks = _plan(NOON - 2000 * HOUR, NOON, grace="1000d")
    assert [(tick.state, tick.count) for tick in ticks[:2]] == [("missed", 2000 - MOST_MISSED), ("queued", 1)]
    assert ticks[0].reason == "no scheduler ran; the last 1000 times are run"


def test_a_clock_that_is_set_back_gives_nothing_twice() -> None:
    seen = [tick.due for tick in _plan(NOON - DAY, NOON, misfire="all")]
    assert not _plan(NOON, NOON - 5 * HOUR, misfire="all")
    assert not _plan(NOON, NOON, misfire="all")
    after = [tick.due for tick in _plan(NOON, NOON + 2 * HOUR, misfire="all")]
    assert after == [NOON + HOUR, NOON + 2 * HOUR]
    assert not set(after) & set(seen)


def test_a_clock_that_jumps_ahead_is_like_a_machine_that_was_off() -> None:
    assert _told(_plan(NOON + 1, NOON + 3 * HOUR + 300, misfire="skip")) == [("missed", 13, 15, 3)]
    assert _told(_plan(NOON + 1, NOON + 3 * HOUR + 300)) == [("missed", 13, 14, 2), ("queued", 15, 15, 1)]


def test_keys_of_ticks_are_their_own() -> None:
    ticks = _plan(NOON - 4 * HOUR - 1, NOON - 600, misfire="once")
    assert len({tick.key for tick in ticks}) == len(ticks)


def test_jitter_is_the_same_for_everybody_differs_and_keeps_its_bounds() -> None:
    settings = _settings(jitter="10m", misfire="all")
    ticks = plan("one", settings, NOON - 100 * HOUR, NOON)
    assert ticks == plan("one", settings, NOON - 100 * HOUR, NOON)
    delays = [tick.not_before - tick.due for tick in ticks]
    assert all(0 <= delay < 600 for delay in delays)
    assert max(delays) - min(delays) > 400
    assert abs(sum(delays) / len(delays) - 300) < 60
    assert jitter("one", settings, NOON) != jitter("two", settings, NOON)
    assert {tick.not_before - tick.due for tick in plan("one", _settings(), NOON - 5 * HOUR, NOON)} == {0.0}


def test_the_next_time_is_later_than_the_moment_to_the_last_bit() -> None:
    settings = _settings()
    for aside in (0.0, 2e-7, 0.5):
        assert next_due(settings, NOON + aside) == NOON + HOUR
    # Rounded to microseconds these are noon itself, which then would be lost.
    for aside in (2.4e-7, 4.8e-7, 0.4):
        assert next_due(settings, NOON - aside) == NOON
        assert [tick.due for tick in plan("x", settings, NOON - aside, NOON)] == [NOON]


def test_what_waits_for_something_else_has_no_times() -> None:
    for settings in (ScheduleSettings(name="x", on_file="*.csv"), ScheduleSettings(name="x", after="other")):
        assert plan("x", settings, NOON - DAY, NOON) == []
        assert next_due(settings, NOON) is None


def _settings(**given: Any) -> ScheduleSettings:
    return ScheduleSettings(name="x", cron="0 * * * *", timezone="UTC", **given)


def _plan(since: float, now: float, **given: Any) -> list[PlannedTick]:
    return plan("x", _settings(**given), since, now)


def _told(ticks: list[PlannedTick]) -> list[tuple[str, int, int, int]]:
    return [(tick.state, _hour(tick.due), _hour(tick.until or tick.due), tick.count) for tick in ticks]


def _hour(at: float) -> int:
    return datetime.fromtimestamp(at, UTC).hour
