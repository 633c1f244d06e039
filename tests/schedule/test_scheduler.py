"""The scheduler as a process: what is due is run once, whatever happens to whom."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scheduled import COMMAND, Project, until

from cellmill.run.history import read_run

SLOW = "import time\nopen('../../begun', 'a').write('x\\n')\ntime.sleep(60)"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.close()


def tell(what: str) -> str:
    """Code of a step that appends a line."""
    return f"with open('../../told', 'a') as told: told.write(f'{what}\\n')"


def hourly(name: str = "one", **more: Any) -> dict[str, Any]:
    """A schedule that is not due while a test runs."""
    far = datetime.now(UTC).minute
    return {"name": name, "cron": f"{(far + 30) % 60} * * * *", "timezone": "UTC", **more}


def test_runs_are_the_engines_and_keep_what_they_made(project: Project) -> None:
    env = {"day": "x", "n": 1}
    parameters = {"day": "{{ date | days(-1) }}", "n": "{{ due | format('%Y') }}"}
    project.pipeline("a", [hourly(parameters=parameters)], {"one": tell("{day} {n!r}")}, env)
    project.scheduler()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "a/one")
    tick = until(lambda: next((tick for tick in project.ticks() if tick.state == "succeeded"), None))

    due = datetime.fromtimestamp(tick.due, UTC)
    ((day, year),) = [line.split() for line in project.lines("told")]
    assert (day, year) == (str(datetime.fromtimestamp(tick.due - 86400, UTC).date()), str(due.year))
    run = read_run(project.root, tick.run_id).as_dict()
    assert (run["state"], run["source"], run["parameters"]["n"]) == ("succeeded", "schedule", due.year)
    assert tick.snapshot.startswith("latest ")
    (kept,) = (Path(tick.record) / "notebooks").glob("*.ipynb")
    assert kept.stat().st_mode & 0o222 == 0
    project.cellmill("run", "a", "--force")
    assert day in kept.read_text()
    # MLflow knows which schedule it was.
    with closing(sqlite3.connect(project.root / "mlflow.db")) as mlflow:
        tags = dict(mlflow.execute("SELECT key, value FROM tags WHERE key LIKE 'cellmill.s%'").fetchall())
    assert tags["cellmill.schedule"] == "a/one"
    assert tags["cellmill.schedule_due"].startswith(str(due.date()))
    assert tags["cellmill.snapshot"] == tick.snapshot


def test_an_attempt_that_fails_is_followed_by_one_of_what_is_left(project: Project) -> None:
    broken = tell("second") + "\nfrom pathlib import Path\nassert Path('../../mended').exists(), 'not mended'"
    schedule = hourly(retries=2, retry_delay="1s")
    project.pipeline("a", [schedule], {"first": tell("first"), "second": broken, "third": tell("third")})
    project.scheduler()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    tick = until(lambda: next((tick for tick in project.ticks() if tick.attempt == 1 and tick.state == "queued"), None))
    assert "not mended" in tick.reason
    (project.root / "mended").touch()

    (tick,) = until(lambda: [tick for tick in project.ticks() if tick.state == "succeeded"])

    assert tick.attempt == len(tick.runs) == 2
    assert project.lines("told") == ["first", "second", "second", "third"]


def test_a_run_that_takes_too_long_has_failed(project: Project) -> None:
    project.pipeline("a", [hourly(timeout="1s")], {"slow": SLOW})
    project.scheduler()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")

    (tick,) = until(lambda: [tick for tick in project.ticks() if tick.state == "failed"])

    assert tick.reason == "it took longer than 1s (timeout)"
    assert read_run(project.root, tick.run_id).state == "stopped"


def test_a_run_waits_for_one_that_somebody_started_by_hand(project: Project) -> None:
    slow = tell("begun") + "\nimport time\ntime.sleep(5)"
    project.pipeline("a", [hourly()], {"slow": slow})
    project.scheduler()
    project.cellmill("schedule", "apply")
    by_hand = subprocess.Popen([*COMMAND, "run", "a"], cwd=project.root, stdout=subprocess.DEVNULL)
    until(lambda: project.lines("told"))
    project.cellmill("schedule", "run-now", "one")

    until(lambda: project.states() == ["succeeded"])

    assert by_hand.wait() == 0
    assert project.lines("told") == ["begun", "begun"]


def test_what_cannot_be_run_is_told_and_tried_once(project: Project) -> None:
    folder = project.pipeline("a", [hourly(retries=3)])
    project.scheduler()
    project.cellmill("schedule", "apply")
    (folder / "pipeline.yaml").write_text("tasks: [")
    project.cellmill("schedule", "run-now", "one")

    (tick,) = until(lambda: [tick for tick in project.ticks() if tick.state == "failed"])

    assert tick.attempt == 1
    assert "is not valid YAML" in tick.reason


def test_cancel_previous_stops_the_run_that_goes_on(project: Project) -> None:
    fast = "from pathlib import Path\nif not Path('../../fast').exists():\n    " + SLOW.replace("\n", "\n    ")
    project.pipeline("a", [hourly(overlap="cancel_previous")], {"one": fast})
    project.scheduler()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: project.lines("begun"))
    (project.root / "fast").touch()
    project.cellmill("schedule", "run-now", "one")

    until(lambda: project.states() == ["stopped", "succeeded"])

    assert "cancel_previous" in project.ticks()[0].reason


def test_a_scheduler_that_is_stopped_hands_back_what_takes_too_long(project: Project) -> None:
    fast = "from pathlib import Path\nif not Path('../../fast').exists():\n    " + SLOW.replace("\n", "\n    ")
    project.pipeline("a", [hourly()], {"first": tell("first"), "second": fast})
    scheduler = project.scheduler("--patience", "1s")
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: project.lines("begun"))

    scheduler.send_signal(signal.SIGTERM)

    assert scheduler.wait(timeout=20) == 0
    assert project.states() == ["queued"]
    (project.root / "fast").touch()
    project.scheduler()
    until(lambda: project.states() == ["succeeded"])
    (tick,) = project.ticks()
    assert (tick.attempt, len(tick.runs)) == (1, 2)
    # What the run had done when it was stopped is not done again.
    assert project.lines("told") == ["first"]


def test_a_hosted_scheduler_that_gives_way_lets_its_run_end(project: Project) -> None:
    slow = "import time\nopen('../../begun', 'a').write('x\\n')\ntime.sleep(5)"
    project.pipeline("a", [hourly()], {"slow": slow})
    scheduler = project.scheduler("--hosted", "--patience", "1s")
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: project.lines("begun"))

    scheduler.send_signal(signal.SIGUSR1)

    assert scheduler.wait(timeout=60) == 0
    (tick,) = project.ticks()
    assert (tick.state, len(tick.runs)) == ("succeeded", 1)
    assert project.lines("begun") == ["x"]


def test_a_run_outlives_its_scheduler_and_is_found_again(project: Project) -> None:
    slow = "import time\nopen('../../begun', 'a').write('x\\n')\ntime.sleep(4)"
    project.pipeline("a", [hourly()], {"slow": slow})
    first = project.scheduler()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: project.lines("begun"))
    second = project.scheduler()
    until(lambda: "serves" in project.logs())
    first.kill()

    until(lambda: project.states() == ["succeeded"])

    assert project.lines("begun") == ["x"]
    assert second.poll() is None
    assert "Took over from" in project.logs()


def test_a_run_that_died_with_its_scheduler_is_lost(project: Project) -> None:
    project.pipeline("a", [hourly()], {"slow": SLOW})
    scheduler = project.scheduler()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: project.lines("begun"))
    (tick,) = project.ticks()
    scheduler.kill()
    os.kill(read_run(project.root, tick.run_id).pid, signal.SIGKILL)
    project.scheduler()

    until(lambda: project.states() == ["lost"])

    assert "ended without a word" in project.ticks()[0].reason


def test_two_schedulers_run_each_time_once(project: Project) -> None:
    for number in range(3):
        project.pipeline(
            f"p{number}", [{"name": "often", "every": "3s", "overlap": "skip"}], {"one": tell(str(number))}
        )
    project.scheduler()
    project.scheduler()
    until(lambda: project.states().count("succeeded") >= 4)
    for scheduler in project.schedulers:
        scheduler.send_signal(signal.SIGTERM)
    for scheduler in project.schedulers:
        assert scheduler.wait(timeout=60) == 0

    ticks = [tick for tick in project.ticks() if tick.runs]
    assert len(project.lines("told")) == len(ticks) == sum(len(tick.runs) for tick in ticks)
    assert {tick.due % 3 for tick in project.ticks()} == {0}


def test_a_file_and_a_run_of_another_pipeline_start_one(project: Project) -> None:
    (project.root / "in").mkdir()
    (project.root / "in" / "old.csv").touch()
    on_file = {"name": "come", "on_file": "../../in/*.csv", "parameters": {"file": "{{ file }}"}}
    project.pipeline("a", [on_file], {"one": tell("{file}")}, {"file": "x"})
    project.pipeline("b", [{"name": "then", "after": "a"}], {"one": tell("after")})
    project.scheduler()
    until(lambda: "new: a/come" in project.logs() and "new: b/then" in project.logs())
    time.sleep(2.5)  # it has looked at what was there before
    (project.root / "in" / "new.csv").write_text("1")

    until(lambda: len(project.lines("told")) == 2)

    name, then = project.lines("told")
    assert (Path(name).name, then) == ("new.csv", "after")
    assert [tick.cause for tick in project.ticks()] == ["file", "after"]


def test_a_changed_file_counts_and_a_wrong_one_changes_nothing(project: Project) -> None:
    folder = project.pipeline("a", [hourly("one")])
    project.scheduler()
    until(lambda: "new: a/one" in project.logs())
    project.declare(folder, [hourly("one"), {"name": "bad", "cron": "1 2 3"}])
    until(lambda: "schedule.bad" in project.logs())
    assert "five fields" in project.logs()
    assert [one.split("/")[1] for one in project.cellmill("schedule", "list").split() if "/one" in one] == ["one"]

    project.declare(folder, [hourly("two")])

    until(lambda: "new: a/two; gone: a/one" in project.logs())


def test_pools_and_pipelines_bound_what_runs_at_once(project: Project) -> None:
    busy = (
        "import time\nfrom pathlib import Path\nPath('../../at-{0}').touch()\n"
        "found = len(list(Path('../..').glob('at-*')))\nopen('../../told', 'a').write(f'{{found}}\\n')\n"
        "time.sleep(1)\nPath('../../at-{0}').unlink()"
    )
    for name in ("a", "b", "c"):
        project.pipeline(name, [hourly(pool="narrow")], {"one": busy.format(name)})
    project.scheduler("--max-runs", "3", "--pool", "narrow=1")
    project.cellmill("schedule", "apply")
    for name in ("a", "b", "c"):
        project.cellmill("schedule", "run-now", f"{name}/one")

    until(lambda: project.states().count("succeeded") == 3)

    assert project.lines("told") == ["1", "1", "1"]
