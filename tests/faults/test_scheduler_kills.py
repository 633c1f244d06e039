"""Two schedulers on one store, killed at any moment: each time is run once, or handled as its schedule says.

``CELLMILL_SCHEDULER_KILLS=100 CELLMILL_SCHEDULES=200 pytest -s tests/faults/test_scheduler_kills.py`` is the long form;
``CELLMILL_SEED`` chooses other targets and moments.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgresql import postgresql
from scheduler_kills import kill_schedulers

if sys.platform != "linux":
    pytest.skip("looks for processes in /proc", allow_module_level=True)

KILLS = int(os.environ.get("CELLMILL_SCHEDULER_KILLS", "5"))
SCHEDULES = int(os.environ.get("CELLMILL_SCHEDULES", "6"))
SEED = int(os.environ.get("CELLMILL_SEED", "1"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_time_is_run_once_whoever_dies(
    tmp_path: Path, kind: str, record_property: Callable[[str, object], None]
) -> None:
    with ExitStack() as open_:
        url = open_.enter_context(postgresql()) if kind == "postgresql" else None
        # Two cores run one or two of these a second.
        every = max(6, SCHEDULES)
        found = kill_schedulers(tmp_path, url, schedules=SCHEDULES, kills=KILLS, seed=SEED, every=every)
    told = f"{kind}, {SCHEDULES} schedules, {KILLS} kills, seed {SEED}\n{found.table()}"
    sys.stdout.write(f"{told}\n")
    record_property("told", told)
    assert not found.wrong, "\n".join(found.wrong[:20])
    assert found.due
