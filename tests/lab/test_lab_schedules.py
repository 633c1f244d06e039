"""Schedules over REST: listed with what became of them, checked key by key, shown as a diff, written, run, hosted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from cellmill.lab.yaml_entry import NotUnderstood, put_entry, take_entry

SCHEDULER = "from cellmill.cli import main; main(['scheduler', '--patience', '1s'])"
CELLS = [
    ("n: int = 3\nday = '2026-01-01'", ["parameters"]),
    ("xs = list(range(n))", ["step:load"]),
    ("print(sum(xs), 1 / n, day)", ["step:tell"]),
]
DECLARED = """
# Ask Mia before you change these.
schedule:
  - name: nightly   # before the office opens
    cron: "0 3 * * 1-5"
    timezone: Europe/Berlin
    parameters: {day: "{{ date | days(-1) }}"}
    snapshot: latest
"""


@pytest.fixture(scope="module")
def folder(lab: Any) -> str:
    """A pipeline with one schedule, written by an engineer."""
    lab.write_notebook("notebooks/timed.ipynb", CELLS)
    status, answer = lab.post("promotion", {"path": "notebooks/timed.ipynb", "force": True})
    assert status == 200, answer
    file = lab.root / answer["folder"] / "cellmill.yaml"
    file.write_text(file.read_text() + DECLARED)
    return str(answer["folder"])


def _until(find: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def _listed(lab: Any, name: str) -> dict[str, Any] | None:
    status, answer = lab.get("schedules")
    assert status == 200, answer
    return next((one for one in answer["schedules"] if one["name"] == name), None)


def _check(lab: Any, folder: str, **entry: Any) -> dict[str, Any]:
    status, answer = lab.post("schedules/check", {"folder": folder, "entry": entry})
    assert status == 200, answer
    return dict(answer)


def test_an_entry_is_told_in_plain_words_with_its_next_times(lab: Any, folder: str) -> None:
    told = _check(lab, folder, name="weekly", cron="0 9 * * 1", timezone="Europe/Berlin", parameters={"n": 4})

    assert told["problems"]["snapshot"].startswith("timed was never verified")
    told = _check(lab, folder, name="weekly", cron="0 9 * * 1", timezone="Europe/Berlin", snapshot="latest")
    assert told["problems"] == {}
    assert told["words"] == "At 09:00 on Monday (Europe/Berlin)"
    assert len(told["times"]) == 5
    assert all(one.startswith("Mon ") and one.endswith((" CET", " CEST")) for one in told["times"])
    assert [(one["name"], one["type"]) for one in told["parameters"]] == [("n", "int"), ("day", "str")]


def test_all_that_is_wrong_is_told_at_once_key_by_key(lab: Any, folder: str) -> None:
    told = _check(
        lab,
        folder,
        name="nightly",
        cron="0 9 * *",
        timezone="Europe/Berln",
        retries=99,
        env="nowhere",
        snapshot="latest",
        parameters={"n": "many", "q": 1, "day": "{{ dat }}"},
        alerts=[{"to": "https://secret.example/T0K3N"}],
    )

    assert told["words"] is None
    assert told["problems"]["timezone"] == "There is no time zone Europe/Berln; did you mean Europe/Berlin?"
    assert told["problems"]["cron"].startswith("A cron expression has five fields")
    assert told["problems"]["parameters.n"] == "Parameter n takes an int, not many."
    assert told["problems"]["parameters.day"] == "A template has no name dat; did you mean date?"
    assert set(told["problems"]) == {
        *("name", "cron", "timezone", "retries", "env", "alerts"),
        *("parameters.n", "parameters.q", "parameters.day"),
    }
    assert "T0K3N" not in str(told)


@pytest.mark.parametrize("notebook", ["../../../outside.ipynb", "/etc/passwd", "a\0b"])
def test_no_notebook_leads_out_of_the_root(lab: Any, folder: str, notebook: str) -> None:
    assert _check(lab, folder, name="x", every="1h", notebook=notebook)["problems"]


def test_a_change_is_shown_and_then_written_with_the_engineers_comments(lab: Any, folder: str) -> None:
    file = lab.root / folder / "cellmill.yaml"
    before = file.read_text()
    entry = {**_entry(lab, "nightly"), "cron": None, "every": "6h", "retries": 2}
    request = {"folder": folder, "name": "nightly", "entry": entry}

    status, plan = lab.post("schedules/plan", request)

    assert status == 200, plan
    assert plan["file"] == f"{folder}/cellmill.yaml"
    changed = [line for line in plan["diff"].splitlines()[2:] if line[0] in "+-"]
    assert changed == ['-    cron: "0 3 * * 1-5"', "+    every: 6h", "+    retries: 2"]
    assert file.read_text() == before

    status, saved = lab.post("schedules", request | {"digest": plan["digest"]})

    assert (status, saved["problem"]) == (200, None)
    assert saved["schedule"]["stored"]
    assert "# Ask Mia" in file.read_text()
    assert "# before the office opens" in file.read_text()
    status, refused = lab.post("schedules", request | {"digest": plan["digest"]})
    assert (status, refused["reason"]) == (409, "edited")
    file.write_text(before)


def _entry(lab: Any, name: str) -> dict[str, Any]:
    found = _listed(lab, name)
    assert found is not None
    return dict(found["entry"])


def test_a_wrong_entry_is_not_written(lab: Any, folder: str) -> None:
    before = (lab.root / folder / "cellmill.yaml").read_text()

    for route, more in (("schedules/plan", {}), ("schedules", {"digest": "x"})):
        status, refused = lab.post(route, {"folder": folder, "entry": {"name": "x", "cron": "61 * * * *"}, **more})
        assert status == 400
        assert "cron" in refused["message"]
    assert (lab.root / folder / "cellmill.yaml").read_text() == before


def test_a_wrong_file_is_told_with_what_was_understood_and_can_be_corrected(lab: Any, folder: str) -> None:
    file = lab.root / folder / "cellmill.yaml"
    before = file.read_text()
    file.write_text(before + "  - name: bad\n    cron: '0 9 * * 1'\n    retries: many\n")
    try:
        (problem,) = lab.get("schedules")[1]["problems"]
        assert "schedule.bad.retries" in problem["message"]
        assert problem["understood"][0].startswith("At 09:00 on Monday")
        bad = _listed(lab, "bad")
        assert bad is not None
        assert (bad["declared"], bad["entry"]["retries"]) == (False, "many")
        request = {"folder": folder, "name": "bad", "entry": bad["entry"] | {"retries": 1, "snapshot": "latest"}}
        plan = lab.post("schedules/plan", request)[1]
        assert lab.post("schedules", request | {"digest": plan["digest"]})[1]["problem"] is None
        assert lab.get("schedules")[1]["problems"] == []
    finally:
        file.write_text(before)


def test_what_is_promised_is_told_beside_the_schedules(lab: Any, folder: str) -> None:
    file = lab.root / folder / "cellmill.yaml"
    before = file.read_text()
    file.write_text(before + "slo: {freshness: 26h}\n")
    levels = _until(lambda: lab.get("schedules")[1]["levels"])
    (told,) = levels
    assert (told["folder"], told["age"], told["freshness"], told["broken"]) == (folder, "none yet", "26 h", False)
    assert (told["promised"], told["budget"], told["budget_left"]) == ("", "", None)

    file.write_text(before + "slo: {freshness: soon}\n")
    problem = _until(lambda: next(iter(lab.get("schedules")[1]["level_problems"]), None))
    assert "slo.freshness" in problem
    file.write_text(before)


def test_a_schedule_is_paused_resumed_and_run_by_a_real_scheduler(lab: Any, folder: str) -> None:
    which = {"folder": folder, "name": "nightly"}
    assert lab.post("schedules/pause", which)[1]["schedule"]["paused"]
    assert _listed(lab, "nightly")["next"] is None  # type: ignore[index]
    acted = lab.post("schedules/resume", which)[1]
    assert (acted["schedule"]["paused"], acted["served"]) == (False, False)
    assert lab.post("schedules/run-now", which)[1]["schedule"]["ticks"][0]["state"] == "queued"

    scheduler = subprocess.Popen([sys.executable, "-c", SCHEDULER], cwd=lab.root, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: lab.get("schedules")[1]["projects"][0]["schedulers"])
        done = _until(lambda: (tick := _ticks(lab, which)[0])["state"] not in ("queued", "running") and tick)
    finally:
        scheduler.terminate()
        scheduler.wait(20)

    assert (done["state"], done["cause"]) == ("succeeded", "hand")
    assert lab.get(f"runs/{done['run_id']}")[1]["source"] == "schedule"


def _ticks(lab: Any, which: dict[str, str]) -> list[dict[str, Any]]:
    return list(lab.get(f"schedules/history?folder={which['folder']}&name={which['name']}")[1]["ticks"])


def test_an_ordinary_notebook_gets_a_file_of_its_own(lab: Any) -> None:
    lab.write_notebook("reports/weekly.ipynb", [("day = 'x'", ["parameters"]), ("print(day)", [])])
    request = {"folder": "reports", "entry": {"name": "weekly", "cron": "0 9 * * 1", "notebook": "weekly.ipynb"}}

    status, plan = lab.post("schedules/plan", request)
    assert (status, plan["new"]) == (200, True), plan
    saved = lab.post("schedules", request | {"digest": plan["digest"]})[1]

    assert saved["problem"] is None
    assert saved["schedule"]["notebook"] == "reports/weekly.ipynb"
    status, plan = lab.post("schedules/plan", {"folder": "reports", "name": "weekly"})
    assert lab.post("schedules", {"folder": "reports", "name": "weekly", "digest": plan["digest"]})[0] == 200
    assert (lab.root / "reports" / "cellmill.yaml").read_text() == ""
    _until(lambda: _listed(lab, "weekly") is None)


@pytest.fixture
def hosting_lab(lab: Any, tmp_path: Path) -> Iterator[Any]:
    """A server that is set to host schedulers."""
    root = tmp_path / "root"
    (root / "pipelines" / "p").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (root / "pipelines" / "p" / "pipeline.yaml").write_text("tasks: []\n")
    (root / "pipelines" / "p" / "cellmill.yaml").write_text("schedule:\n  - {name: n, every: 1d, snapshot: latest}\n")
    server = type(lab)(root, "--CellmillLab.host_scheduler=True")
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def _schedulers(lab: Any) -> list[int]:
    return [one["pid"] for project in lab.get("schedules")[1]["projects"] for one in project["schedulers"]]


def test_the_server_hosts_a_scheduler_where_no_other_one_serves(hosting_lab: Any) -> None:
    lab = hosting_lab
    (first,) = _until(lambda: _schedulers(lab))
    assert lab.get("schedules")[1]["hosted"]

    # It comes back when it died, and ends with the server.
    os.kill(first, signal.SIGKILL)
    (second,) = _until(lambda: [pid for pid in _schedulers(lab) if pid != first])
    lab.stop()
    assert not psutil.pid_exists(second)
    assert f"is process {second}" in lab.log.read_text()

    # Beside another one none is started, until that one goes.
    other = subprocess.Popen([sys.executable, "-c", SCHEDULER], cwd=lab.root, stderr=subprocess.PIPE)
    try:
        assert other.stderr is not None
        assert b"serves" in other.stderr.readline()
        lab.log.write_text("")
        lab.start()
        assert _until(lambda: _schedulers(lab)) == [other.pid]
        time.sleep(2)
        assert "is process" not in lab.log.read_text()
    finally:
        other.terminate()
        other.communicate()
    (third,) = _until(lambda: [pid for pid in _schedulers(lab) if pid != other.pid])

    # One that comes later has the project to itself.
    other = subprocess.Popen([sys.executable, "-c", SCHEDULER], cwd=lab.root, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _schedulers(lab) == [other.pid])
        _until(lambda: not psutil.pid_exists(third))
    finally:
        other.terminate()
        other.wait()
    (third,) = _until(lambda: [pid for pid in _schedulers(lab) if pid != other.pid])

    # A server that is killed takes it along too.
    lab.stop(signal.SIGKILL)
    _until(lambda: not psutil.pid_exists(third), seconds=20)


def test_a_server_hosts_nothing_unless_it_is_set_to(lab: Any, folder: str) -> None:
    assert lab.get("schedules")[1]["hosted"] is False


FILE = """\
notebook: a.ipynb  # kept
schedule:
  # the first
  - name: one
    every: 1h   # often
    parameters: {a: 1}

  - {name: two, cron: "0 3 * * *"}  # flow
# tail
"""


def test_a_change_of_one_key_changes_one_line() -> None:
    new = put_entry(FILE, "schedule", "one", {"name": "one", "every": "1h", "parameters": {"a": 2}})
    assert new == FILE.replace("    parameters: {a: 1}\n", "    parameters:\n      a: 2\n")
    assert take_entry(FILE, "schedule", "one") == FILE.replace(FILE[FILE.index("  # the") : FILE.index("\n  - {")], "")
    assert put_entry(FILE, "schedule", "two", {"name": "two", "cron": "0 3 * * *"}) != FILE
    assert put_entry("a: 1\r\n", "schedule", None, {"name": "x"}) == "a: 1\r\nschedule:\r\n  - name: x\r\n"


@pytest.mark.parametrize(
    "text", ["{a: 1}", "schedule:\n  - &x {name: one}\n", "schedule: 3", "a: [", "a: 1\n...\n", "- 1"]
)
def test_a_file_that_can_not_be_changed_safely_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        put_entry(text, "schedule", None, {"name": "new", "every": "1h"})


def test_hostile_requests_are_answered(lab: Any, folder: str) -> None:
    for body in ({}, {"folder": ".."}, {"folder": "/"}, {"folder": "nowhere"}, {"folder": folder, "name": "nowhere"}):
        for route in ("check", "plan", "pause", "run-now"):
            answer: requests.Response = lab.http.post(
                f"{lab.url}/cellmill/api/schedules/{route}", json=body, timeout=30
            )
            assert answer.status_code in (200, 400, 403, 404, 409), (route, body, answer.text)
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    assert _check(lab, folder, name="x", every="1h", parameters={"n": deep})["problems"]
    assert _check(lab, folder, name="x", every="1h", keep=deep, enabled=[1], on_file=3)["problems"]
