"""Times over changes of clocks, asked for as a scheduler asks: anew after each time, and at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from random import Random
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.counting import last_times, number_of_times, times_between
from cellmill.schedule.planner import next_due, plan
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.triggers import Cron, Every

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
# Lord Howe's clocks are changed by half an hour, Havana's at midnight.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana")

ASIDE = timedelta(hours=26)

# At fixed times, as Debian's cron has it: no star begins the minutes or the hours.
FIXED = (
    "30 2 * * *",
    "0 0 * * *",
    "15,45 1-3 * * *",
    "0,30 0-4/2 * * *",
    "59 23 L * *",
    "0 3 LW * *",
    "30 1 * * 5L",
    "30 2 * * SUN#2,SUN#5",
    "0 2 1,29 * SUN",
    "0 2 */2 * SUN",
    "5 0 * MAR,OCT-NOV SAT,SUN",
    "10/20 2 * * 7",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
)
# With the time that passes.
ELAPSING = (
    "*/20 * * * *",
    "7-59/13 */2 * * *",
    "*/15 2 * * *",
    "*/30 0-3 * * SUN",
    "15 * * * *",
    "15 */3 * * *",
    "* 2 L * *",
    "0 30 * * * *",
    "*/20 */10 1-2 * * *",
    "30 15 2 * * 0",
    "@hourly",
)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", FIXED)
def test_fixed_times_are_what_one_uninterrupted_cronsim_gives(expression: str, zone: str) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    expected = _of_cronsim(cron, BEGIN, END)
    assert expected
    # Two whole years of those that are due once a day or less, of others the days of the changes.
    spans = [(BEGIN, END)] if len(expected) < 800 else [(at - ASIDE, at + ASIDE) for at in _changes(zone)]
    for begin, end in spans:
        assert _restarted(cron, begin, end) == [at for at in expected if begin.timestamp() < at <= end.timestamp()]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", ELAPSING)
def test_with_stars_each_moment_that_the_clock_shows_is_one_time(expression: str, zone: str) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    for change in _changes(zone):
        begin, end = change - ASIDE, change + ASIDE
        assert _restarted(cron, begin, end) == _by_the_clock(cron, begin, end)
        assert list(times_between(cron, begin.timestamp(), end.timestamp())) == _by_the_clock(cron, begin, end)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("expression", ELAPSING)
def test_with_stars_too_cronsim_gives_the_same_where_clocks_change_by_whole_hours(expression: str, zone: str) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    for change in _changes(zone):
        begin, end = change - ASIDE, change + ASIDE
        assert _restarted(cron, begin, end) == _of_cronsim(cron, begin, end)


def test_cronsim_itself_loses_times_where_clocks_change_by_half_an_hour() -> None:
    # Why triggers.py goes from change to change. If this fails, cronsim has learnt it.
    cron = Cron("*/15 2 * * *", ZoneInfo("Australia/Lord_Howe"))
    change = datetime(2026, 4, 4, 15, tzinfo=UTC)
    begin, end = change - timedelta(hours=1), change + timedelta(hours=2)
    lost = set(_restarted(cron, begin, end)) - set(_of_cronsim(cron, begin, end))
    assert [f"{datetime.fromtimestamp(at, cron.zone):%H:%M}" for at in sorted(lost)] == ["02:00", "02:15"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", [*FIXED, *ELAPSING])
def test_plans_made_at_odd_moments_hold_each_time_once(expression: str, zone: str) -> None:
    settings = ScheduleSettings(name="x", cron=expression, timezone=zone, misfire="all", grace="1d")
    assert isinstance(settings.trigger, Cron)
    random = Random(f"{expression} {zone}")
    for change in _changes(zone)[:2]:
        begin, end = (change - ASIDE).timestamp(), (change + ASIDE).timestamp()
        expected = list(times_between(settings.trigger, begin, end))
        found, at = [], begin
        while at < end:
            due = next_due(settings, at)
            assert due == next((time for time in expected if time > at), due)
            until = min(at + random.choice([0.0, 1e-7, 0.4, 1.0, 59.9, 700.0, 3600.0, 20_000.0]), end)
            # Also exactly at a time, and a hair beside it.
            if due is not None and random.random() < 0.3:
                until = max(at, min(due + random.choice([0.0, -3e-7, 3e-7]), end))
            ticks = plan("x", settings, at, until)
            assert all(tick.state == "queued" for tick in ticks)
            found += [tick.due for tick in ticks]
            at = until
        assert found == expected


@pytest.mark.parametrize(
    "zone, expression, local",
    [
        ("Europe/Berlin", "30 2 * * *", ["03-28 02:30 CET", "03-29 03:00 CEST", "03-30 02:30 CEST"]),
        ("America/Havana", "15 0 * * *", ["03-07 00:15 CST", "03-08 01:00 CDT", "03-09 00:15 CDT"]),
        ("Australia/Lord_Howe", "15 2 * * *", ["10-03 02:15 +1030", "10-04 02:30 +11", "10-05 02:15 +11"]),
    ],
)
def test_a_fixed_time_that_is_skipped_comes_right_after_the_change(
    zone: str, expression: str, local: list[str]
) -> None:
    month, day = map(int, local[0][:5].split("-"))
    times = Cron(expression, ZoneInfo(zone)).times(datetime(2026, month, day, tzinfo=ZoneInfo(zone)))
    assert [f"{next(times):%m-%d %H:%M %Z}" for _ in local] == local


def test_a_fixed_time_that_comes_twice_is_one_time() -> None:
    cron = Cron("30 2 * * *", ZoneInfo("Europe/Berlin"))
    repeated = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    # By the seconds: Python calls no moment of a repeated hour equal to one of another zone.
    assert next(cron.times(repeated[0] - timedelta(minutes=1))).timestamp() == repeated[0].timestamp()
    for after in (repeated[0], repeated[1] - timedelta(minutes=10), repeated[1]):
        assert f"{next(cron.times(after)):%m-%d}" == "10-26"


@pytest.mark.parametrize("seconds", [3600.0, 86_400.0, 7 * 86_400.0, 1.5])
def test_intervals_are_elapsed_time_whatever_clocks_do(seconds: float) -> None:
    every = Every(seconds, ZoneInfo("Europe/Berlin"))
    begin = datetime(2026, 3, 29, tzinfo=UTC)
    times = _restarted(every, begin, begin + timedelta(seconds=20 * seconds))
    assert len(times) == 20
    assert {round(later - earlier, 6) for earlier, later in pairwise(times)} == {seconds}


@pytest.mark.parametrize("zone", [*ZONES, "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("expression", ["*/7 * * * *", "0,30 1-3 * * *", "*/15 2 * * SUN", "* * L * *", "30 2 * * *"])
def test_counting_without_going_through_gives_what_going_through_gives(expression: str, zone: str) -> None:
    cron, random = Cron(expression, ZoneInfo(zone)), Random(f"{expression} {zone}")
    changes = _changes(zone) or [datetime(2026, 4, 1, tzinfo=UTC)]
    for change in changes[:2]:
        begin = change.timestamp() - random.choice([3600, 7200.5, 86_400, 5 * 86_400 + 1])
        end = change.timestamp() + random.choice([3600, 14_400, 10_000.25, 9 * 86_400])
        every_one = list(times_between(cron, begin, end))
        assert number_of_times(cron, begin, end) == len(every_one)
        assert last_times(cron, begin, end, 3) == every_one[-3:]


def _restarted(trigger: Cron | Every, begin: datetime, end: datetime) -> list[float]:
    """As a scheduler asks: anew from each time, in UTC."""
    found, at = [], begin
    while (due := next(trigger.times(at.astimezone(UTC)))) <= end:
        found.append(due.timestamp())
        at = due
    return found


def _of_cronsim(cron: Cron, begin: datetime, end: datetime) -> list[float]:
    macros = {"@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *"}
    expression = macros.get(cron.expression, cron.expression.replace("@hourly", "0 * * * *"))
    moments: Iterator[datetime] = CronSim(expression, begin.astimezone(cron.zone))
    return [moment.timestamp() for moment in takewhile(lambda at: at.timestamp() <= end.timestamp(), moments)]


def _by_the_clock(cron: Cron, begin: datetime, end: datetime) -> list[float]:
    """By the definition: each ten seconds whether what the clock shows is what the expression says."""
    expression = "0 * * * *" if cron.expression == "@hourly" else cron.expression
    parsed = CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    step = 10 if len(expression.split()) == 6 else 60
    found = []
    for at in range(int(begin.timestamp()) + step, int(end.timestamp()) + 1, step):
        shown = datetime.fromtimestamp(at, cron.zone)
        if (
            shown.minute in parsed.minutes
            and shown.hour in parsed.hours
            and shown.second in parsed.seconds
            and shown.month in parsed.months
            and parsed.match_day(shown.date())
        ):
            found.append(float(at))
    return found


def _changes(zone: str) -> list[datetime]:
    return list(clock_changes(BEGIN, END, ZoneInfo(zone)))
