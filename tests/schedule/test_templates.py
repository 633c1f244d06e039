"""What stands in {{ }}: filled in as written, and never code."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cellmill.schedule.templates import FILTERS, NAMES, Moment, check_template, filled, is_template

MOMENT = Moment(
    due=datetime(2026, 3, 29, 3, 0, 0, 123456, tzinfo=ZoneInfo("Europe/Berlin")),
    run_id="20260329-030000-abc",
    schedule="nightly",
    pipeline="churn",
    last_success=datetime(2026, 3, 28, 3, tzinfo=ZoneInfo("Europe/Berlin")),
    file="data/a.csv",
)
FIRST = Moment(MOMENT.due, "x", "nightly", "churn")


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ date }}", "2026-03-29"),
        ("{{ due }}", "2026-03-29T03:00:00+02:00"),
        ("{{ date | days(-1) }}", "2026-03-28"),
        ("{{ date | days(1) | days(1) | format('%d.%m.') }}", "31.03."),
        ("{{ due | format('%Y-%m-%d %H:%M:%S %Z, %j, 100%%') }}", "2026-03-29 03:00:00 CEST, 088, 100%"),
        ("{{ last_success | default('never') }}", "2026-03-28T03:00:00+01:00"),
        ("data/{{ pipeline }}/{{ schedule }}-{{ run_id }}.csv", "data/churn/nightly-20260329-030000-abc.csv"),
        ("{{ file }}\n", "data/a.csv\n"),
        ("{{ 'as it stands' }}{# nothing #}", "as it stands"),
        ("<b>&{{ date }}", "<b>&2026-03-29"),
    ],
)
def test_names_and_filters_are_filled_in(template: str, expected: str) -> None:
    assert is_template(template)
    assert filled(template, MOMENT) == expected


def test_lists_and_mappings_are_filled_in_and_other_values_stay() -> None:
    given = {"days": ["{{ date }}", 3, None, {"at": "{{ due | format('%H') }}"}], "n": 1.5, "plain": "a } b"}
    assert filled(given, MOMENT) == {"days": ["2026-03-29", 3, None, {"at": "03"}], "n": 1.5, "plain": "a } b"}


def test_before_the_first_success_its_moment_is_empty() -> None:
    assert filled("{{ last_success }}", FIRST) == ""
    assert filled("{{ last_success | default('2020-01-01') }}", FIRST) == "2020-01-01"
    assert filled("{{ last_success | default(date) | days(-1) }}", FIRST) == "2026-03-28"
    with pytest.raises(ValueError, match="empty before the first success; put default"):
        filled("{{ last_success | days(-1) }}", FIRST)


@pytest.mark.parametrize(
    "template, reason",
    [
        ("{{ ().__class__ }}", "no attributes"),
        ("{{ date.__class__.__mro__ }}", "no attributes"),
        ("{{ due.year }}", "no attributes"),
        ("{{ due['year'] }}", "no subscripts"),
        ("{{ due() }}", "no calls"),
        ("{{ date | attr('__class__') }}", "no filter attr"),
        ("{{ ''.format(x=1) }}", "no calls"),
        ("{% for x in [1] %}{% endfor %}", "no for statements"),
        ("{% if date %}{% endif %}", "no if statements"),
        ("{% set x = 1 %}", "no assign statements"),
        ("{% include '/etc/passwd' %}", "no include statements"),
        ("{% import 'os' as os %}", "no import statements"),
        ("{% macro x() %}{% endmacro %}", "no macro statements"),
        ("{% extends 'x' %}", "no extends statements"),
        ("{{ 9**9**9 }}", "no pow statements"),
        ("{{ 'a' * 10000000000 }}", "no mul statements"),
        ("{{ date + 1 }}", "no add statements"),
        ("{{ date ~ due }}", "no concat statements"),
        ("{{ date if due else 1 }}", "no condexpr statements"),
        ("{{ [date] }}", "no list statements"),
        ("{{ date is defined }}", "no test statements"),
        ("{{ -date }}", "calculates nothing"),
        ("{{ dat }}", "no name dat; did you mean date?"),
        ("{{ self }}", "no name self"),
        ("{{ config }}", "no name config"),
        ("{{ cycler }}", "no name cycler"),
        ("{{ date | day(1) }}", "no filter day; did you mean days?"),
        ("{{ date | tojson }}", "no filter tojson"),
        ("{{ date | days }}", "takes one value in brackets"),
        ("{{ date | days(1, 2) }}", "takes one value in brackets"),
        ("{{ date | days(number=1) }}", "takes one value in brackets"),
        ("{{ date | days(*due) }}", "takes one value in brackets"),
        ("{{ date | days('1') }}", "days takes a whole number"),
        ("{{ date | days(1.5) }}", "days takes a whole number"),
        ("{{ date | days(true) }}", "days takes a whole number"),
        ("{{ date | days(date) }}", "days takes a whole number"),
        ("{{ due | days(10**9) }}", "days takes a whole number"),
        ("{{ date | days(1000000000) }}", "days takes a whole number up to 36525"),
        ("{{ date | days(-99999999999999999999999) }}", "days takes a whole number up to 36525"),
        ("{{ due | format(1) }}", "format takes a text"),
        ("{{ due | format(date) }}", "format takes a text"),
        ("{{ due | format('%100000000d') }}", "format can't read"),
        ("{{ due | format('%-d') }}", "format can't read"),
        ("{{ due | format('%Q') }}", "format can't read"),
        ("{{ due | format('%') }}", "format can't read"),
        ("{{ due | format('\\x00') }}", "format can't read"),
        ("{{", "can't be read"),
        ("{{ date", "can't be read"),
        ("{% nonsense %}", "can't be read"),
        ("{{" + "(" * 900 + "date" + ")" * 900 + "}}", "nested too deeply"),
        ("{{ " + "-" * 1500 + "1 }}", "nested too deeply"),
        ("{{ date" + " | days(1)" * 180 + " }}", "at most 10 filters"),
        ("{{ date }}" * 1000, "at most 2000 letters"),
    ],
)
def test_what_is_more_than_names_and_filters_is_refused_unread(template: str, reason: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r".") as told:
        check_template(template)
    assert reason in str(told.value)
    assert len(str(told.value)) < 300
    with pytest.raises(ValueError):
        filled(template, MOMENT)
    assert time.process_time() - began < 5


def test_what_a_filter_gets_has_to_fit() -> None:
    for template in ("{{ file | format('%Y') }}", "{{ due | format('%Y') | days(1) }}"):
        with pytest.raises(ValueError, match="goes with date, due and last_success"):
            filled(template, MOMENT)
    with pytest.raises(ValueError, match="there is no such date"):
        filled("{{ date" + " | days(-36525)" * 10 + " }}", _in(900))


def test_filling_in_the_longest_template_takes_no_time_and_no_room() -> None:
    letters = "%c" * 980
    began = time.process_time()
    assert len(filled("{{ due | format('" + letters + "') }}", MOMENT)) < 50_000
    assert time.process_time() - began < 5


def test_each_name_and_filter_is_told() -> None:
    assert set(MOMENT.values()) == set(NAMES)
    for name, words in FILTERS.items():
        assert f"{name}(" in words or name == "days"
        example = words[words.index("{{") : words.index("}}") + 2]
        check_template(example)
        assert filled(example, MOMENT)


def _in(year: int) -> Moment:
    return Moment(MOMENT.due.replace(year=year), "x", "nightly", "churn")
