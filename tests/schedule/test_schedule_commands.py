"""The commands `cellmill schedule ...`: what they say, as text and as JSON, and their exit codes."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scheduled import Project
from sqlalchemy import insert
from told import Told, call

from cellmill.schedule.declare import Known, known_schedules
from cellmill.schedule.preview import preview
from cellmill.schedule.project import apply
from cellmill.schedule.reading import parse_schedules
from cellmill.schedule.settings import Declared

NIGHTLY = {"name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin"}
HOURLY = {"name": "hourly", "cron": "0 * * * *", "timezone": "America/New_York"}
LONG = "retrain-with-everything-that-lies-in-the-warehouse"


def test_check_says_what_is_meant_and_when(small: Project) -> None:
    small.declare(_folder(small), [NIGHTLY, {"name": "new", "on_file": "data/*.csv"}, {**HOURLY, "enabled": False}])
    told = call("schedule", "check")
    assert (told.code, told.err) == (0, "")
    assert "churn/nightly: At 03:00 every day (Europe/Berlin)\n" in told.out
    assert "churn/new: When data/*.csv is new or has changed\n" in told.out
    assert "churn/hourly: At the start of every hour (America/New_York) (not enabled)\n" in told.out
    assert len(re.findall(r"^    \w{3} \d{4}-\d\d-\d\d 03:00:00 CES?T$", told.out, re.M)) == 5
    data = json.loads(call("schedule", "check", "churn", "--json").out)
    assert [one["name"] for one in data["schedules"]] == ["nightly", "new", "hourly"]
    assert [len(one["next"]) for one in data["schedules"]] == [5, 0, 5]
    assert datetime.fromisoformat(data["schedules"][0]["next"][0]) > datetime.now(UTC)
    assert data["problems"] == []


def test_check_tells_all_wrong_folders_and_what_is_right(small: Project) -> None:
    small.declare(_folder(small), [{**NIGHTLY, "retries": "often"}])
    small.pipeline("other", [{**HOURLY, "misfire": "never"}])
    small.pipeline("third", [NIGHTLY])
    told = call("schedule", "check")
    assert told.code == 1
    assert "third/nightly: At 03:00 every day" in told.out
    assert [line.split(": ")[1] for line in told.err.splitlines() if line.startswith("Error")] == [
        "pipelines/churn/cellmill.yaml",
        "pipelines/other/cellmill.yaml",
    ]
    data = call("schedule", "check", "--json")
    assert data.code == 1
    assert [len(one["understood"]) for one in json.loads(data.out)["problems"]] == [6, 6]


def test_commands_say_what_to_do_where_there_is_nothing(small: Project) -> None:
    assert call("schedule", "check").out.startswith("This project declares no schedule; write one into a pipeline's")
    assert call("schedule", "check", "churn").out.startswith("churn declares no schedule; write one")
    assert call("schedule", "preview").out.startswith("This project declares no schedule")
    assert call("schedule", "list").out.startswith("No schedule is stored; write one into cellmill.yaml and type:")
    assert call("schedule", "history").out == "Nothing was due yet.\n"
    assert json.loads(call("schedule", "list", "--json").out) == {"schedules": []}
    assert json.loads(call("schedule", "history", "--json").out) == {"ticks": []}
    told = call("schedule", "pause", "nightly")
    assert (told.code, told.err) == (
        1,
        "Error: there is no schedule nightly; none is stored; type `cellmill schedule apply`.\n",
    )
    told = call("schedule", "check", "chrn")
    assert told.code == 1
    assert "there is no pipeline chrn; did you mean churn?" in told.err


def test_apply_tells_what_changed_and_who_would_run_it(small: Project) -> None:
    small.declare(_folder(small), [NIGHTLY, HOURLY])
    told = call("schedule", "apply")
    assert told.out == (
        "New: churn/nightly\nNew: churn/hourly\nNo scheduler runs; start one with: cellmill scheduler\n"
    )
    assert "Nothing changed; 2 schedules are stored.\n" in call("schedule", "apply", "churn").out
    small.declare(_folder(small), [{**NIGHTLY, "cron": "0 4 * * *"}])
    told = call("schedule", "apply")
    assert told.out.startswith("Changed: churn/nightly\nTaken away: churn/hourly\n")


def test_schedules_are_paused_resumed_and_run_by_hand(small: Project) -> None:
    small.declare(_folder(small), [NIGHTLY, HOURLY])
    small.pipeline("other", [NIGHTLY])
    call("schedule", "apply")
    told = call("schedule", "pause", "churn/nightly")
    assert told.out == "churn/nightly is paused; go on with: cellmill schedule resume churn/nightly\n"
    assert call("schedule", "pause", "churn/nightly").out == "churn/nightly was paused already.\n"
    assert "paused" in call("schedule", "list", "churn").out
    assert call("schedule", "resume", "churn/nightly").out == "churn/nightly goes on.\n"
    assert call("schedule", "resume", "churn/nightly").out == "churn/nightly is not paused.\n"
    told = call("schedule", "resume", "nightly")
    assert told.code == 1
    assert told.err == "Error: 2 schedules are named nightly; say which: churn/nightly, other/nightly.\n"
    assert "did you mean" in call("schedule", "resume", "nightl").err
    told = call("schedule", "run-now", "hourly")
    assert told.out == "churn/hourly is next.\nNo scheduler runs; start one with: cellmill scheduler\n"
    (tick,) = json.loads(call("schedule", "history", "hourly", "--json").out)["ticks"]
    assert (tick["schedule"], tick["cause"], tick["state"]) == ("churn/hourly", "hand", "queued")
    assert "by hand" in call("schedule", "history").out


def test_preview_shows_local_times_over_a_change_of_clocks_and_collisions(small: Project) -> None:
    small.declare(
        _folder(small),
        [NIGHTLY, {**HOURLY, "cron": "0 21-23 * * *"}, {"name": "off", "every": "1h", "timezone": "UTC"}],
    )
    told = call("schedule", "preview", "--from", "2026-03-28T00:00+01:00", "--days", "2")
    assert told.code == 0
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert "Sat 2026-03-28 03:00:00 CET churn/nightly at the same time as hourly, off" in lines
    assert "Sat 2026-03-28 00:00:00 UTC churn/off" in lines
    (changed,) = [line for line in lines if line.startswith("Sun 2026-03-29 03:00:00 CEST churn/nightly")]
    assert changed.endswith("clocks went forward 1 h at 2026-03-29 03:00; at the same time as hourly, off")
    assert "Clocks change in Europe/Berlin: from Sun 2026-03-29 03:00 CEST on." in lines
    data = json.loads(call("schedule", "preview", "--from", "2026-03-28", "--days", "2", "--json").out)
    assert {one["at"] for one in data["changes_of_clocks"]} >= {"2026-03-29T03:00:00+02:00"}
    assert {(one["schedule"], one["zone"]) for one in data["times"]} >= {("nightly", "Europe/Berlin")}
    assert data["missed"] == []


def test_preview_shows_all_schedules_where_one_is_due_often(small: Project) -> None:
    small.declare(
        _folder(small),
        [{"name": "often", "every": "1m"}, {"name": "rare", "cron": "0 0 29 2 *", "timezone": "UTC"}, NIGHTLY],
    )
    told = call("schedule", "preview", "--days", "1", "--from", "2026-06-01")
    assert "churn/nightly" in told.out
    assert re.search(r"^\.\.\. and 1\d\d\d more times of churn/often$", told.out, re.M)
    assert "churn/rare: At 00:00 on February 29 (UTC), next Tue 2028-02-29 00:00:00 UTC" in told.out
    assert len(told.out.splitlines()) < 130


def test_preview_tells_what_was_missed_and_what_becomes_of_it(small: Project) -> None:
    small.declare(_folder(small), [{"name": "often", "every": "15m", "timezone": "UTC"}])
    apply(small.store, small.root, None, time.time() - 86_400)
    told = call("schedule", "preview", "--days", "0.01")
    assert re.search(r"churn/often: 9\d times missed since .* UTC\.", told.out)
    assert re.search(r"churn/often: 1 time due since .* UTC; the next scheduler runs it\.", told.out)
    data = json.loads(call("schedule", "preview", "--days", "0.01", "--json").out)
    assert sum(one["count"] for one in data["missed"]) == 96


def test_times_within_the_usual_duration_of_a_run_collide(tmp_path: Path) -> None:
    declared = _declared(
        tmp_path,
        {"name": "a", "cron": "0 3 * * *"},
        {"name": "b", "cron": "10,40 3 * * *"},
        {"name": "c", "every": "1d"},
    )
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    found = preview(declared, begin, timedelta(hours=6), {tmp_path: 1500.0})
    assert [(one.name, one.note) for one in found] == [
        ("a", ""),
        ("b", "10 min 00 s after a, which usually takes 25 min 00 s"),
        ("b", ""),
    ]
    # Notebooks of one folder do not wait for each other.
    apart = _declared(tmp_path, *({"name": name, "every": "1h", "notebook": "x.ipynb"} for name in "ab"))
    assert not [one.note for one in preview(apart, begin, timedelta(hours=2), {tmp_path: 9.0}) if one.note]


@pytest.mark.parametrize("begin", ["x", "9999-12-31", "0001-01-01", "2026-02-30"])
def test_preview_refuses_dates_that_are_none(small: Project, begin: str) -> None:
    small.declare(_folder(small), [NIGHTLY])
    told = call("schedule", "preview", "--from", begin)
    assert told.code == 2
    assert "--from" in told.err


def test_lists_and_history_fit_a_terminal_and_cut_nothing(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    small.declare(_folder(small), [NIGHTLY, {**HOURLY, "name": LONG}, {"name": "off", "every": "1d", "enabled": False}])
    apply(small.store, small.root, None, time.time())
    (nightly,) = [known for known in known_schedules(small.store) if known.name == "nightly"]
    why = "step fit: ValueError: could not convert string to float: 'n/a' (cell 7 of notebooks/churn.ipynb)"
    _put(small, nightly, "failed", 3, reason=why, attempt=3)
    _put(small, nightly, "missed", 2, count=12, reason="no scheduler ran within 1m")
    _put(small, nightly, "succeeded", 1)
    shown = {words: _in_terminal(monkeypatch, *words.split()) for words in ("list", "history", "history nightly")}
    for words, told in shown.items():
        assert told.code == 0
        lines = told.out.splitlines()
        assert all(len(line) <= 100 for line in lines if LONG not in line), words
        whole = "".join(line.strip() for line in lines)
        assert "…" not in whole
    assert LONG[-10:] in shown["list"].out
    for part in ("failed (attempt 3)", "missed (12 times)", "+0.5 s", "1 min 15 s", why.split()[-1], "20261122-"):
        assert part in shown["history"].out
    assert shown["history nightly"].out.startswith("churn/nightly\n")
    # In a file or a pipe a line is a tick, or a schedule.
    lines = call("schedule", "history").out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["due", "schedule", "state", "late", "time", "run"]
    assert lines[-1].endswith(why)
    listed = call("schedule", "list").out.splitlines()
    assert len([line for line in listed if line.startswith("churn/")]) == 3
    assert any("●○●" in line and "succeeded" in line for line in listed)
    assert any("not enabled" in line for line in listed)


def test_history_keeps_to_its_limit_the_latest_first(small: Project) -> None:
    small.declare(_folder(small), [NIGHTLY])
    apply(small.store, small.root, None, time.time())
    (nightly,) = known_schedules(small.store)
    for days in range(30):
        _put(small, nightly, "succeeded", days + 1)
    ticks = json.loads(call("schedule", "history", "--limit", "7", "--json").out)["ticks"]
    assert len(ticks) == 7
    assert [tick["due"] for tick in ticks] == sorted((tick["due"] for tick in ticks), reverse=True)
    assert call("schedule", "history", "--limit", "0").code == 2


def test_a_store_that_can_not_be_opened_is_a_sentence(small: Project) -> None:
    small.declare(_folder(small), [NIGHTLY])
    (small.root / "text.db").write_text("this is no database, but a text of some length" * 100)
    for url, reason in (
        (f"sqlite:///{small.root / 'text.db'}", "can't be opened"),
        ("mysql://me:hunter2@nowhere/x", "SQLite or PostgreSQL"),
        ("nonsense", "(not an address)"),
        ("sqlite:////proc/nowhere/x.db", ""),
        ("postgresql://me:hunter2@127.0.0.1:1/x", "can't be opened"),
    ):
        told = call("schedule", "list", "--store", url)
        assert told.code == 1, url
        assert told.err.startswith("Error: ")
        assert "unexpected" not in told.err, told.err
        assert reason in told.err
        assert "hunter2" not in told.err
        assert len(told.err.splitlines()) == 1


def _folder(project: Project) -> Path:
    return project.root / "pipelines" / "churn"


def _declared(folder: Path, *entries: dict[str, Any]) -> list[Declared]:
    given = [{"timezone": "UTC", **entry} for entry in entries]
    return [Declared(folder, settings) for settings in parse_schedules(given, folder / "cellmill.yaml")]


def _put(project: Project, known: Known, state: str, days: float, **more: Any) -> None:
    due = time.time() - days * 86_400
    values = {"schedule_id": known.id, "key": f"{due}", "due": due, "not_before": due, "state": state, "runs": "[]"}
    if state != "missed":
        values |= {"started": due + 0.5, "ended": due + 75.5, "run_id": "20261122-030000-ab12cd3"}
    with project.store.locked() as connection:
        connection.execute(insert(project.store.table["ticks"]).values(**values | more))


def _in_terminal(monkeypatch: pytest.MonkeyPatch, *words: str) -> Told:
    with monkeypatch.context() as patch:
        for name, value in {"COLUMNS": "100", "FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
            patch.setenv(name, value)
        told = call("schedule", *words)
    return Told(told.code, re.sub(r"\x1b\[[0-9;]*m", "", told.out), told.err, told.seconds)
