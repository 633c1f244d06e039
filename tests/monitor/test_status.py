"""``cellmill status`` in a terminal, as JSON and as a page; what schedule commands say of alerts and service levels."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from monitored import SECRET, Inbox, Ticks

HOUR = 3600.0


def cellmill(*arguments: str) -> Result:
    from cellmill.cli import main

    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.fixture
def project(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """A pipeline that keeps what it promises, one that does not, and one that is new."""
    monkeypatch.chdir(ticks.root)
    monkeypatch.delenv("CELLMILL_STORE", raising=False)
    now = time.time()
    fine, bad = ticks.schedule("hourly", "prices"), ticks.schedule("nightly", "churn", cron="0 3 * * *")
    ticks.schedule("weekly", "<b>report", enabled=False)
    for at in range(10):
        ticks.tick(fine, "succeeded", now - at * HOUR)
        ticks.tick(
            bad, "succeeded" if at > 1 else "failed", now - at * HOUR, reason="<i>no rows</i>", run_id=f"run{at}"
        )
    promise(ticks, "prices", success_rate=0.9, freshness="2h")
    promise(ticks, "churn", success_rate=0.9)
    return ticks


def promise(ticks: Ticks, pipeline: str, **slo: object) -> None:
    (ticks.root / "pipelines" / pipeline / "cellmill.yaml").write_text(yaml.safe_dump({"slo": slo}))


def test_status_tells_what_is_wrong_first_and_exits_with_1_if_a_level_is_broken(project: Ticks) -> None:
    told = cellmill("status")

    lines = told.output.splitlines()
    assert told.exit_code == 1
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["churn", "broken"],
        ["<b>report", "paused"],
        ["prices", "ok"],
    ]
    assert "80% of 90%, 30 d" in lines[1]
    assert "2 times used" in lines[1]
    assert lines[4].startswith("! churn/nightly failed 2 times (since ")
    assert lines[4].endswith(": <i>no rows</i> [cellmill runs --follow run0]")
    assert lines[5] == "! churn: 80% of runs succeeded in 30 d; promised: 90%"
    assert lines[6] == "No scheduler runs; start one with: cellmill scheduler"
    fine = cellmill("status", "pipelines/prices")
    assert fine.exit_code == 0
    assert "churn" not in fine.output


def test_status_as_json_holds_the_figures(project: Ticks) -> None:
    told = cellmill("status", "--json")

    churn = json.loads(told.stdout)["pipelines"][0]
    figures = {name: churn["levels"][name] for name in ("good", "bad", "success_rate", "budget", "broken")}
    assert figures == {"good": 8, "bad": 2, "success_rate": 0.8, "budget": pytest.approx(1.0), "broken": True}
    assert churn["levels"]["burn"] == pytest.approx(2.0)
    assert churn["levels"]["budget_left"] == pytest.approx(-1.0)
    assert churn["last"]["state"] == "failed"
    assert [one["kind"] for one in churn["incidents"]] == ["failure", "success-rate"]


def test_what_is_promised_wrongly_is_refused_by_status_and_by_check(project: Ticks) -> None:
    promise(project, "prices", success_rate=99)

    words = (
        "Error: pipelines/prices/cellmill.yaml: slo.success_rate: a share between 0 and 1 is written as in 0.99 or 99%."
    )
    for command in (["status", "pipelines/prices"], ["schedule", "check", "pipelines/prices"]):
        told = cellmill(*command)
        assert (told.exit_code, words in told.stderr) == (1, True)


def test_looking_at_a_project_without_schedules_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CELLMILL_STORE", raising=False)

    told = cellmill("status")

    assert (told.exit_code, told.output.partition(";")[0]) == (0, "No pipeline has a schedule or a service level")
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_the_page_needs_nothing_else_and_trusts_no_text(project: Ticks) -> None:
    told = cellmill("status", "--html", "status.html")

    page = (project.root / "status.html").read_text()
    assert told.exit_code == 1
    assert "&lt;b&gt;report/weekly" in page
    assert "<i>no rows</i>" not in page
    assert "&lt;i&gt;no rows&lt;/i&gt;" in page
    assert "<b>report" not in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=|url\(|@import""", page)
    assert "prefers-color-scheme: dark" in page
    _Closed().check(page)


class _Closed(HTMLParser):
    """Whether each element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def check(self, page: str) -> None:
        self.feed(page)
        assert self.open == []


def test_an_address_is_tried_by_hand(project: Ticks, inbox: Inbox) -> None:
    project.schedule("alarmed", "churn", every="1h", alerts=[{"to": "$CHAT"}, {"to": "$NOT_SET"}])

    told = cellmill("schedule", "alert-test", "alarmed")

    assert told.exit_code == 1
    assert told.stdout == "Sent to $CHAT.\n"
    assert told.stderr.startswith("Error: $NOT_SET is not set here; set it to an Apprise address")
    assert inbox.titles == ["churn/alarmed: a test"]
    assert SECRET not in told.output
    silent = cellmill("schedule", "alert-test", "nightly")
    assert "schedule.nightly has no alerts; write `alerts: [{to: $VARIABLE}]` there" in silent.stderr
