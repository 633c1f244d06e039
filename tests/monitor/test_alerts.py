"""What is told of what happens to schedules, how often, and that it arrives."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest
from monitored import SECRET, T0, Inbox, Ticks

from cellmill.monitor.alerts import Alerts
from cellmill.monitor.outbox import GROUP, MOST_AN_HOUR, PAUSES, Outbox
from cellmill.monitor.sending import send
from cellmill.monitor.watch import Watch
from cellmill.schedule.declare import Known
from cellmill.schedule.happenings import Happening
from cellmill.schedule.ticks import Tick

ALERTS = [{"to": "$CHAT"}]
FAILURE = {
    "task": "train",
    "kind": "error",
    "sentence": "notebooks/churn.ipynb, cell 7, line 2: ValueError: no rows; open it",
    "cell": 7,
    "line": 2,
    "error": "ValueError",
    "value": "no rows",
    "traceback": "ValueError   Traceback (most recent call last)\nCell In[7], line 2\n      1 rows = load()\n"
    "----> 2 fit(rows)\n\nFile lib.py:3, in fit(rows)\n      2 def fit(rows):\n----> 3     raise ValueError('no rows')",
    "mlflow": "http://mlflow.example/#/runs/1",
}


def ended(known: Known, tick: Tick, **failure: Any) -> Happening:
    return Happening("ended", known, tick, tick.ended or 0.0, tick.state, tick.reason, failure)


def titles(ticks: Ticks) -> list[str]:
    """What has been written to be sent, in order."""
    from sqlalchemy import text

    with ticks.store.reading() as connection:
        return list(connection.scalars(text("SELECT title FROM cellmill_alerts ORDER BY id")))


def watch_of(ticks: Ticks, *known: Known) -> Watch:
    watch = Watch(ticks.store, [ticks.root], {one.id: one for one in known})
    watch.look_at_store(T0)
    return watch


def test_a_failure_tells_what_it_takes_to_look_into_it(ticks: Ticks) -> None:
    known = ticks.schedule(alerts=ALERTS, cron="0 3 * * *", retries=2)
    failed = ticks.tick(known, "failed", T0 + 125.5, due=T0, attempt=3, run_id="20260330-030000-0000000")
    notebook = str(ticks.root / "notebooks" / "churn.ipynb")

    watch_of(ticks, known).take(ended(known, failed, **FAILURE, notebook=notebook))

    batch = Outbox(ticks.store).claim([ticks.root], "CHAT", T0 + 1000)
    assert batch is not None
    assert batch.messages == (
        (
            "churn/nightly failed at step train",
            "Pipeline: churn\n"
            "Schedule: nightly (At 03:00 every day (Europe/Berlin))\n"
            "Due: Mon 2026-03-30 03:00:00 CEST\n"
            "Failed: Mon 2026-03-30 03:02:05 CEST, after 2 min 05 s, attempt 3 of 3\n"
            "Step: train\n"
            "Cell: notebooks/churn.ipynb, cell 7, line 2\n"
            "Error: ValueError: no rows\n"
            "          1 rows = load()\n"
            "    ----> 2 fit(rows)\n"
            "MLflow: http://mlflow.example/#/runs/1\n"
            "Look: cellmill runs --follow 20260330-030000-0000000\n"
            "See it fail again: cellmill reproduce 20260330-030000-0000000",
        ),
    )


def test_an_incident_is_told_once_whoever_sees_it_and_its_end_once(ticks: Ticks) -> None:
    known = ticks.schedule(alerts=ALERTS)
    first, second = watch_of(ticks, known), watch_of(ticks, known)
    failures = [ticks.tick(known, "failed", T0 + at, reason="no rows") for at in (100, 200)]
    for watch in (first, second):
        for tick in failures:
            watch.take(ended(known, tick))
    # Another scheduler saw the success, and was ended before it told anything.
    ticks.tick(known, "succeeded", T0 + 300)
    for watch in (second, first, watch_of(ticks, known)):
        watch.look_at_store(T0 + 400)
    ticks.tick(known, "failed", T0 + 500)
    first.look_at_store(T0 + 600)

    assert titles(ticks) == ["churn/nightly failed", "churn/nightly works again", "churn/nightly failed"]


def test_what_nobody_lived_to_tell_is_told_by_the_next_scheduler(ticks: Ticks) -> None:
    known = ticks.schedule(alerts=ALERTS)
    silent = ticks.schedule("other")
    served_elsewhere = ticks.schedule("elsewhere", alerts=ALERTS)
    watch_of(ticks, known, silent, served_elsewhere)
    for at in range(300):
        ticks.tick(silent, "failed", T0 + at)  # more than are looked at at once, and nobody wants to know
    ticks.tick(served_elsewhere, "failed", T0 + 10)
    ticks.tick(known, "lost", T0 + 400)
    new = ticks.schedule("new", alerts=ALERTS)
    ticks.tick(new, "failed", T0 + 450)  # before it had alerts

    later = Watch(ticks.store, [ticks.root], {one.id: one for one in (known, silent, new)})
    later.look_at_store(T0 + 500)

    assert titles(ticks) == ["churn/nightly was lost"]


@pytest.mark.parametrize(
    "on, told",
    [
        (["failure"], ["a check failed", "failed"]),
        (["check"], ["a check failed"]),
        (["failure", "check", "recovery"], ["a check failed", "failed", "works again"]),
        (["recovery"], ["works again"]),
        (["missed", "late"], []),
    ],
)
def test_each_address_hears_what_it_asked_for(ticks: Ticks, on: list[str], told: list[str]) -> None:
    known = ticks.schedule(alerts=[{"to": "$CHAT", "on": on}])
    watch = watch_of(ticks, known)
    watch.take(ended(known, ticks.tick(known, "failed", T0 + 1), kind="check", task="fit", error="E", value="v"))
    between = ticks.schedule("between", alerts=[{"to": "$CHAT", "on": on}])
    watch.known = {one.id: one for one in (known, between)}
    watch.take(ended(between, ticks.tick(between, "failed", T0 + 2)))
    watch.take(ended(known, ticks.tick(known, "stopped", T0 + 3)))
    watch.take(ended(known, ticks.tick(known, "succeeded", T0 + 4)))

    found = [title.partition(" ")[2].removesuffix(" at step fit") for title in titles(ticks)]
    assert found == told


def test_what_was_missed_is_told_with_its_number_and_why(ticks: Ticks) -> None:
    known = ticks.schedule(alerts=ALERTS)
    tick = ticks.tick(known, "missed", T0 + 9000, due=T0, until=T0 + 7200, count=3, reason="no scheduler ran within 1m")

    watch_of(ticks, known).take(Happening("put", known, tick, T0 + 9000, "missed"))

    batch = Outbox(ticks.store).claim([ticks.root], "CHAT", T0 + 10000)
    assert batch is not None
    ((title, body),) = batch.messages
    assert title == "churn/nightly missed 3 runs"
    assert "Missed: Mon 2026-03-30 03:00:00 CEST to Mon 2026-03-30 05:00:00 CEST\nWhy: no scheduler ran" in body


def test_a_run_is_late_while_it_waits_and_when_it_starts_and_only_once_until_one_is_on_time(ticks: Ticks) -> None:
    known = ticks.schedule(alerts=ALERTS, late="5m")
    paused = ticks.schedule("other", alerts=ALERTS, late="5m", enabled=False)
    watch = watch_of(ticks, known, paused)
    ticks.tick(paused, "queued", due=T0)
    waits = ticks.tick(known, "queued", due=T0)

    watch.look_at_queue(T0 + 299)
    assert titles(ticks) == []
    watch.look_at_queue(T0 + 301)
    watch.look_at_queue(T0 + 302)
    started = ticks.tick(known, "running", due=T0 + 10, started=T0 + 600)
    watch.take(Happening("started", known, started, T0 + 600))
    assert titles(ticks) == ["churn/nightly has waited 5 min 01 s to start"]

    watch.take(Happening("started", known, ticks.tick(known, "running", due=T0 + 3600), T0 + 3601))
    watch.take(Happening("started", known, ticks.tick(known, "running", due=T0 + 7200, started=T0 + 9000), T0 + 9000))
    assert titles(ticks)[1:] == ["churn/nightly started 30 min 00 s late"]
    assert waits.attempt == 0


def test_what_happens_together_goes_as_one_message_and_nothing_of_an_address_is_told(
    ticks: Ticks, inbox: Inbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process sends to a real server, which refuses the first attempt."""
    monkeypatch.setattr("cellmill.monitor.outbox.PAUSES", (0.1,) * 5)
    monkeypatch.setattr("cellmill.monitor.alerts.GROUP", 0.5)
    caplog.set_level(logging.DEBUG)
    inbox.answers = [503]
    schedules = [ticks.schedule(name, alerts=[*ALERTS, {"to": "$NOT_SET"}]) for name in ("a", "b", "c")]
    now = time.time()
    alerts = Alerts(ticks.store, [ticks.root])
    alerts.start(lambda: {one.id: one for one in schedules})
    for known in schedules[:2]:
        alerts.listen(ended(known, ticks.tick(known, "failed", now, reason="no rows")))
    until(lambda: inbox.taken)
    # The last one comes when the scheduler ends, and is sent all the same.
    alerts.listen(ended(schedules[2], ticks.tick(schedules[2], "failed", time.time(), reason="no rows")))
    alerts.close(90)

    assert inbox.titles == ["2 alerts: churn/a failed; churn/b failed", "churn/c failed"]
    assert "Error: no rows" in inbox.taken[0]["message"]
    assert inbox.taken[0]["type"] == "failure"
    words = [record.getMessage() for record in caplog.records]
    assert [text for text in words if "could not be sent yet" in text] == [
        "2 alerts to $CHAT could not be sent yet (the service answered 503)."
    ]
    assert len([text for text in words if "$NOT_SET" in text]) == 1
    assert not any(SECRET in text for text in words)
    stored = b"".join(path.read_bytes() for path in ticks.root.rglob("*") if path.is_file())
    assert SECRET.encode() not in stored
    assert not [one for one in threading.enumerate() if one.name.startswith("alerts")]


def test_no_address_gets_more_than_some_messages_an_hour_and_then_one_of_all_that_waited(ticks: Ticks) -> None:
    outbox = Outbox(ticks.store)
    schedules = [ticks.schedule(f"s{number}", alerts=ALERTS) for number in range(MOST_AN_HOUR + 3)]
    watch = watch_of(ticks, *schedules)
    sent = 0
    for number, known in enumerate(schedules):
        watch.take(ended(known, ticks.tick(known, "failed", T0 + 10 * number)))
        batch = outbox.claim([ticks.root], "CHAT", T0 + 10 * number + 5)
        if batch is not None:
            outbox.sent(batch, T0 + 10 * number + 5)
            sent += 1
    assert sent == MOST_AN_HOUR

    assert outbox.claim([ticks.root], "CHAT", T0 + 3500) is None
    batch = outbox.claim([ticks.root], "CHAT", T0 + 3700)
    assert batch is not None
    assert (len(batch.messages), batch.held_back) == (3, True)


def test_what_can_not_be_sent_is_tried_again_with_growing_pauses_and_then_given_up(ticks: Ticks) -> None:
    outbox, known = Outbox(ticks.store), ticks.schedule(alerts=ALERTS)
    watch_of(ticks, known).take(ended(known, ticks.tick(known, "failed", T0)))
    assert outbox.claim([ticks.root], "CHAT", T0 + GROUP - 0.1) is None  # others may come
    now, tried = T0 + GROUP, []
    for pause in (*PAUSES, None):
        batch = outbox.claim([ticks.root], "CHAT", now)
        assert batch is not None
        assert outbox.claim([ticks.root], "CHAT", now) is None  # it is somebody's
        tried.append(outbox.not_sent(batch, "the service answered 500", now))
        assert outbox.claim([ticks.root], "CHAT", now + (pause or 1e6) - 0.1) is None
        now += pause or 0

    assert tried == [0, 0, 0, 0, 0, 1]


def test_a_message_whose_scheduler_died_while_it_was_sent_is_sent_with_a_word_of_that(ticks: Ticks) -> None:
    outbox, known = Outbox(ticks.store), ticks.schedule(alerts=ALERTS)
    watch_of(ticks, known).take(ended(known, ticks.tick(known, "failed", T0)))
    assert outbox.claim([ticks.root], "CHAT", T0 + 10) is not None

    assert outbox.claim([ticks.root], "CHAT", T0 + 100) is None
    again = outbox.claim([ticks.root], "CHAT", T0 + 300)
    assert again is not None
    assert again.repeated


@pytest.mark.parametrize(
    "address, problem",
    [
        ("", "$CHAT is not set here"),
        (f"nothing {SECRET}", "what it holds is no address that Apprise can read"),
        (f"json://127.0.0.1:9/{SECRET} json://localhost:9", "it holds 2 addresses; give each a variable"),
        (f"json://127.0.0.1:9/{SECRET}", "there was no connection to the service"),
    ],
)
def test_an_address_that_does_not_work_is_told_in_words_without_it(
    monkeypatch: pytest.MonkeyPatch, address: str, problem: str
) -> None:
    monkeypatch.setenv("CHAT", address)

    found = send("CHAT", "title", "body")

    assert found is not None
    assert found.startswith(problem)
    assert SECRET not in found


def until(done: Any, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, "it did not come in time"
        time.sleep(0.05)
