"""What cron expressions, intervals and zones mean, and how they are told."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from cellmill.schedule.durations import seconds_of, written
from cellmill.schedule.refusals import understood
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.triggers import Cron, Every

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "expression, expected",
    [
        # 0 and 7 are Sunday, as in cron and not as in APScheduler.
        ("0 9 * * 0", ["06-07 09:00", "06-14 09:00"]),
        ("0 9 * * 7", ["06-07 09:00", "06-14 09:00"]),
        ("0 9 * * 1", ["06-08 09:00", "06-15 09:00"]),
        ("0 9 * * mon-fri", ["06-02 09:00", "06-03 09:00"]),
        # Either day field is enough, unless one of them begins with a star.
        ("0 0 13 * FRI", ["06-05 00:00", "06-12 00:00", "06-13 00:00"]),
        ("0 0 */2 * SUN", ["06-07 00:00", "06-21 00:00"]),
        ("0 0 L * *", ["06-30 00:00", "07-31 00:00"]),
        ("0 0 LW * *", ["06-30 00:00", "07-31 00:00", "08-31 00:00", "09-30 00:00", "10-30 00:00"]),
        ("0 0 * * FRI#1", ["06-05 00:00", "07-03 00:00"]),
        ("0 0 * * 5L", ["06-26 00:00", "07-31 00:00"]),
        ("0,30 8-9 2 6 *", ["06-02 08:00", "06-02 08:30", "06-02 09:00", "06-02 09:30"]),
        ("@Daily", ["06-02 00:00", "06-03 00:00"]),
        ("  @hourly ", ["06-01 13:00", "06-01 14:00"]),
        ("30 0 12 * * *", ["06-01 12:00", "06-02 12:00"]),
    ],
)
def test_a_cron_expression_means_what_it_means_to_cron(expression: str, expected: list[str]) -> None:
    times = Cron(expression, BERLIN).times(datetime(2026, 6, 1, 12, tzinfo=BERLIN))
    assert [f"{at:%m-%d %H:%M}" for at in islice(times, len(expected))] == expected


@pytest.mark.parametrize(
    "expression, reason",
    [
        ("0 9 * *", "a cron expression has five fields (minute hour day month weekday), '0 9 * *' has 4"),
        ("", "has 0"),
        ("every day", "has 2"),
        ("61 * * * *", "the field minute of '61 * * * *' can't be read"),
        ("0 25 * * *", "the field hour"),
        ("0 0 0 * *", "the field day-of-month"),
        ("0 0 * JANUARY *", "the field month"),
        ("0 0 * * 8", "the field day-of-week"),
        ("*/0 * * * *", "the field minute"),
        ("5-1 * * * *", "the field minute"),
        ("٣ * * * *", "the field minute"),
        ("0 0 30 2 *", "never comes true"),
        ("0 0 31 4,6,9,11 *", "never comes true"),
        ("0 0 * 2 MON#5", None),
        ("@reboot", "@reboot has no time"),
        ("@fortnightly", "has 1"),
        ("0 9 * * 1,L", "can't be read"),
        ("L/2 * * * *", "can't be read"),
        ("0 0 L-3 * *", "can't be read"),
        ("0 0 L,LW/2 * *", None),
        ("0 0 * * 1L/2", None),
        ("0 0 * * MON#1/2", None),
        ("0 0 * * 1#1-3", None),
        ("0 0 ,1 * *", "can't be read"),
        ("0 0 1" + ",1" * 50_000 + " * *", "at most 500 characters"),
        ("1" * 400 + " * * * *", None),
        ("\0 * * * *", "can't be read"),
        ("* * * * *\n* * * * *", "has 10"),
    ],
)
def test_a_wrong_cron_expression_is_a_sentence(expression: str, reason: str | None) -> None:
    # Without a reason: either it is right, or refused with a sentence; never another error.
    try:
        ScheduleSettings(name="x", cron=expression, timezone="Europe/Berlin")
    except ValidationError as error:
        told = error.errors()[0]["msg"]
        assert told.startswith(("Value error, cron: ", "String should have"))
        assert len(told) < 150
        assert reason is None or reason in told
    else:
        assert reason is None


@pytest.mark.parametrize(
    "given, words",
    [
        ({"cron": "0 9 * * MON"}, "At 09:00 on Monday (Europe/Berlin)"),
        ({"cron": "@daily"}, "At 00:00 every day (Europe/Berlin)"),
        ({"every": "90m"}, "Every 1h30m (Europe/Berlin)"),
        ({"every": 45}, "Every 45s (Europe/Berlin)"),
        ({"on_file": "data/*.csv"}, "When data/*.csv is new or has changed"),
        ({"after": "prices"}, "After each run of prices that succeeds"),
    ],
)
def test_triggers_say_themselves_in_plain_words(given: dict[str, Any], words: str) -> None:
    assert ScheduleSettings(name="x", timezone="Europe/Berlin", **given).words() == words


@pytest.mark.parametrize("seconds", [0, 1, 1.5, 0.1, 1e-7, 59.999999, 5400, 86_400, 1_234_567.5, 3_000_000_000])
def test_lengths_of_time_are_read_as_they_are_written(seconds: float) -> None:
    assert seconds_of(written(seconds)) == pytest.approx(seconds, abs=1e-6)


def test_an_interval_is_counted_from_midnight_whenever_it_is_asked() -> None:
    every = Every(6 * 3600.0, BERLIN)
    for minute in (0, 17, 59):
        after = datetime(2026, 1, 5, 7, minute, tzinfo=BERLIN)
        assert [f"{at:%H:%M}" for at in islice(every.times(after), 3)] == ["12:00", "18:00", "00:00"]


def test_times_end_where_the_calendar_ends() -> None:
    after = datetime(9999, 12, 31, 12, tzinfo=UTC)
    for trigger in (Cron("0 0 * * *", BERLIN), Cron("*/15 * * * *", BERLIN), Every(7200, BERLIN)):
        assert len(list(islice(trigger.times(after), 100))) < 60


def test_what_could_be_understood_is_told_with_five_times() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=BERLIN)
    lines = understood({"cron": "0 9 * * MON", "timezone": "Europe/Berlin", "retries": "often"}, now)
    assert lines[0] == "At 09:00 on Monday (Europe/Berlin):"
    assert lines[1:3] == ("Mon 2026-06-08 09:00:00 CEST", "Mon 2026-06-15 09:00:00 CEST")
    assert len(lines) == 6
    assert understood({"cron": "nonsense"}, now) == ()
    assert understood(["cron"], now) == ()
