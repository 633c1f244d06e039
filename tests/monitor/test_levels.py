"""Service levels: what may be written, what counts, and the figures that follow."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from monitored import T0, Inbox, Ticks

from cellmill.errors import CellmillError
from cellmill.monitor.figures import levels_of
from cellmill.monitor.levels import DAY, Events, Levels
from cellmill.monitor.slo import SloSettings, parse_slo, read_slo
from cellmill.monitor.watch import Watch
from cellmill.run.log import write_header

FILE = Path("cellmill.yaml")


def slo(**promised: object) -> SloSettings:
    found = parse_slo(promised, FILE)
    assert found is not None
    return found


def test_what_is_promised_is_read_with_its_units() -> None:
    assert slo(success_rate="99.5%", freshness="26h") == SloSettings(
        success_rate=0.995, freshness=93600.0, window=30 * DAY
    )


@pytest.mark.parametrize(
    "written, words",
    [
        ({"succes_rate": 0.9}, "there is no key slo.succes_rate; did you mean success_rate?"),
        ({"success_rate": 99}, "slo.success_rate: a share between 0 and 1 is written as in 0.99 or 99%"),
        ({"success_rate": "often"}, "slo.success_rate: a share between 0 and 1"),
        ({"success_rate": True}, "slo.success_rate: a share between 0 and 1"),
        ({"success_rate": float("nan")}, "slo.success_rate: a share between 0 and 1"),
        ({"success_rate": "100%"}, "slo.success_rate: 1 leaves no error budget"),
        ({"freshness": "soon"}, "slo.freshness: a length of time is written as in 30s"),
        ({"freshness": 0}, "slo.freshness: it is too short"),
        ({"success_rate": 0.9, "window": "5m"}, "slo.window: it is too short; it is at least 1h"),
        ({"window": "7d"}, "slo: it promises nothing; it takes success_rate, freshness or both"),
        ([0.9], "slo: is a mapping"),
        ({1: 2}, "slo.1: Keys should be strings"),
    ],
)
def test_what_is_wrong_is_refused_with_file_key_and_reason(written: object, words: str) -> None:
    with pytest.raises(CellmillError) as refused:
        parse_slo(written, FILE)

    assert str(refused.value).startswith(f"cellmill.yaml: {words}")


def test_budget_and_burn_are_those_of_the_workbook() -> None:
    """Of 1,000 events at 99 % ten may be bad; four use up 40 %; in the last day they come eight times too fast."""
    levels = Levels(slo(success_rate=0.99), Events(996, 4), Events(46, 4), T0, 0.0)

    assert levels.budget == pytest.approx(10)
    assert levels.budget_left == pytest.approx(0.6)
    assert levels.burn == pytest.approx(0.4)
    assert levels.burn_day == pytest.approx(8.0)
    assert not levels.broken


@pytest.mark.parametrize("good, bad, broken", [(90, 10, False), (89, 11, True), (0, 1, True), (0, 0, False)])
def test_a_success_rate_is_broken_once_more_fails_than_was_promised(good: int, bad: int, broken: bool) -> None:
    assert Levels(slo(success_rate=0.9), Events(good, bad), Events(), None, None).broken is broken


def test_events_are_what_ended_in_the_window_and_was_not_meant_to_be_left_out(ticks: Ticks) -> None:
    known = ticks.schedule()
    for state, number in {"succeeded": 6, "failed": 1, "lost": 1, "stopped": 5, "skipped": 5}.items():
        for at in range(number):
            ticks.tick(known, state, T0 - 2 * DAY + at, due=T0 - 3 * DAY + at)
    ticks.tick(known, "missed", T0 - 60, due=T0 - 7200, count=4)
    ticks.tick(known, "failed", T0 - 40 * DAY)
    ticks.tick(ticks.schedule(pipeline="other"), "failed", T0 - 60)
    promised = slo(success_rate=0.5, freshness="1d")

    found = levels_of(ticks.store, ticks.root, {known.folder: promised}, T0)[known.folder]

    assert (found.window, found.day) == (Events(6, 6), Events(0, 4))
    assert found.age == pytest.approx(2 * DAY - 5)
    assert (found.success_broken, found.freshness_broken) == (False, True)


def test_a_run_by_hand_makes_a_good_product_and_a_part_of_one_does_not(ticks: Ticks) -> None:
    known, now = ticks.schedule(), time.time()
    ticks.tick(known, "failed", now - 3 * DAY)
    promised = {known.folder: slo(freshness="1d")}
    (never,) = levels_of(ticks.store, ticks.root, promised, now).values()
    assert (never.last_good, never.freshness_broken) == (None, True)

    _run_by_hand(ticks.root, known.folder, "20260330-030000-aaaaaaa", ["done", "not-run"])
    assert levels_of(ticks.store, ticks.root, promised, now)[known.folder].last_good is None
    _run_by_hand(ticks.root, known.folder, "20260330-030001-bbbbbbb", ["done", "up-to-date"])
    (by_hand,) = levels_of(ticks.store, ticks.root, promised, now).values()
    assert by_hand.last_good == pytest.approx(T0 + 5)


def test_a_service_level_that_breaks_is_told_once_and_so_is_that_it_holds_again(ticks: Ticks, inbox: Inbox) -> None:
    known = ticks.schedule(alerts=[{"to": "$CHAT", "on": ["check", "recovery"]}, {"to": "$MAIL", "on": ["missed"]}])
    (known.folder / "cellmill.yaml").write_text(yaml.safe_dump({"slo": {"freshness": "2h"}}))
    first, second = (Watch(ticks.store, [ticks.root], {known.id: known}) for _ in range(2))
    ticks.tick(known, "succeeded", T0)
    for at in (T0 + 3600, T0 + 7201, T0 + 7300):
        for watch in (first, second):
            watch.look_at_levels(at)
    ticks.tick(known, "succeeded", T0 + 8000)
    second.look_at_levels(T0 + 8001)
    first.look_at_levels(T0 + 8001)

    from sqlalchemy import text

    with ticks.store.reading() as connection:
        told = connection.execute(text("SELECT destination, title FROM cellmill_alerts ORDER BY id")).all()
    assert [tuple(one) for one in told] == [
        ("CHAT", "churn: no good product for more than 2 h"),
        ("CHAT", "churn is fresh again"),
    ]


def test_a_folder_that_promises_nothing_promises_nothing(tmp_path: Path) -> None:
    assert read_slo(tmp_path) is None


def _run_by_hand(root: Path, folder: Path, run_id: str, states: list[str]) -> None:
    """A run's record as `cellmill run` leaves it."""
    import json

    record = root / ".cellmill" / "runs" / run_id
    record.mkdir(parents=True)
    write_header(record, folder, kind="run", source="cli", pid=0, command=(), parameters={}, profile=None)
    names = [f"step{number}" for number in range(len(states))]
    skipped = {"up-to-date": True, "not-run": False}
    events = [("run-started", None, {"tasks": names, "asked": names, "parameters": {}})]
    for name, state in zip(names, states, strict=True):
        kind = "task-finished" if state == "done" else "task-skipped"
        events.append((kind, name, {"seconds": 1.0, "up_to_date": skipped.get(state), "reason": ""}))
    lines = [
        json.dumps({"seq": seq, "kind": kind, "task": task, "data": data, "at": T0})
        for seq, (kind, task, data) in enumerate(events, start=1)
    ]
    (record / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (record / "end.json").write_text(json.dumps({"state": "succeeded", "ended": T0 + 5, "seconds": 5}))
