"""Schedulers on several machines: none can look at the other's processes, so signs of life are all that they have."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scheduled import Project, until

from cellmill.schedule.members import serving

STEP = """
import time
from pathlib import Path
again = Path('../../begun').exists()
Path('../../begun').touch()
time.sleep(0 if again else 60)
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.close()


def on(host: str) -> list[str]:
    """The command of a scheduler on a machine of that name; schedulers are taken for dead twenty times as soon."""
    code = (
        f"import socket; socket.gethostname = lambda: {host!r}; "
        "from cellmill.schedule import members; members.BEAT, members.SILENCE = 0.2, 1.0; "
        "from cellmill.cli import main; main(prog_name='cellmill')"
    )
    return [sys.executable, "-c", code]


def test_a_scheduler_that_waits_for_its_runs_lives_for_the_others(project: Project) -> None:
    cron = f"{(datetime.now(UTC).minute + 30) % 60} * * * *"
    project.pipeline("a", [{"name": "one", "cron": cron, "timezone": "UTC"}], {"one": STEP})
    first = project.scheduler("--patience", "3s", command=on("first"))
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: (project.root / "begun").exists())
    project.scheduler(command=on("second"))
    until(lambda: len(serving(project.store, project.root)) == 2)

    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    tick = until(lambda: next((tick for tick in project.ticks() if tick.ended is not None), None))
    assert (tick.state, len(tick.runs)) == ("succeeded", 2), project.logs()


def test_a_scheduler_of_another_machine_that_falls_silent_is_taken_over(project: Project) -> None:
    cron = f"{(datetime.now(UTC).minute + 30) % 60} * * * *"
    project.pipeline("a", [{"name": "one", "cron": cron, "timezone": "UTC"}], {"one": STEP})
    first = project.scheduler(command=on("first"))
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "one")
    until(lambda: (project.root / "begun").exists())
    first.kill()
    project.scheduler(command=on("second"))
    until(lambda: "Took over from first-" in project.logs())
    (tick,) = project.ticks()
    # Its run is a process of its own: it goes on, and is found again.
    assert (tick.state, len(tick.runs)) == ("running", 1)
