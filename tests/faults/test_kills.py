"""Runs whose processes are killed at any moment: what counts is whole, nothing stays behind, the next run goes on.

``CELLMILL_KILLS=100 pytest -s tests/faults`` kills more often; ``CELLMILL_SEED`` chooses other moments.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from faults import TARGETS, Faulty, kill_once

if sys.platform != "linux":
    pytest.skip("looks for processes in /proc", allow_module_level=True)

KILLS = int(os.environ.get("CELLMILL_KILLS", "2"))
SEED = int(os.environ.get("CELLMILL_SEED", "1"))


@pytest.mark.parametrize("warm", [False, True], ids=["plain", "warm"])
def test_whatever_is_killed_the_next_run_goes_on(tmp_path: Path, warm: bool) -> None:
    chance = random.Random(SEED)
    faulty = Faulty(tmp_path / "project", warm=warm)
    assert faulty.cellmill(*faulty.run_words).returncode == 0
    events = faulty.events()
    number = (KILLS + (0 if warm else 1)) // 2
    for kill in range(number):
        target = TARGETS[(kill + (2 if warm else 0)) % len(TARGETS)]
        told = kill_once(faulty, chance, target, events)
        sys.stdout.write(f"kill {kill + 1} of {number}, seed {SEED}, {'warm' if warm else 'plain'}: {told}\n")
