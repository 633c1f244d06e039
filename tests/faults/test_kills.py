"""Runs in which something dies at any moment: what counts is whole, nothing stays behind, the next run goes on.

``CELLMILL_KILLS=100 pytest -s tests/faults`` kills more often; ``CELLMILL_SEED`` chooses other targets and moments.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kills import SERVED, Place, drawn, kill_once, place_of, table
from small_disk import small_disk

from faults import Faulty

if sys.platform != "linux":
    pytest.skip("looks for processes in /proc", allow_module_level=True)

KILLS = int(os.environ.get("CELLMILL_KILLS", "2"))
SEED = int(os.environ.get("CELLMILL_SEED", "1"))


class Places:
    """Where targets are hit, each made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Place | None] = {}

    def of(self, target: str) -> Place | None:
        """None where this machine has no such place."""
        kind = target if target in ("disk", *SERVED) else "here"
        if kind not in self._made:
            try:
                self._made[kind] = place_of(kind, self._folder / kind)
            except pytest.skip.Exception:
                self._made[kind] = None
        return self._made[kind]

    def close(self) -> None:
        for place in self._made.values():
            if place is not None:
                place.close()


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    found = Places(tmp_path)
    yield found
    found.close()


def test_whatever_dies_the_next_run_goes_on(places: Places, record_property: Callable[[str, object], None]) -> None:
    rows, broken = [], []
    for number, kill in enumerate(drawn(SEED, KILLS), start=1):
        place = places.of(kill.target)
        if place is None:
            rows.append((kill.target, "impossible here"))
            continue
        try:
            state, told = kill_once(place, kill)
        except Exception:  # the other kills tell more
            place.faulty.end_what_is_left()
            state, told = "BROKEN", f"{kill}\n{traceback.format_exc()}"
            broken.append(told)
        rows.append((kill.target, state))
        sys.stdout.write(f"kill {number} of {KILLS}, seed {SEED}: {told}\n")
        sys.stdout.flush()
    record_property("told", f"{KILLS} kills, seed {SEED}\n{table(rows)}")
    assert not broken, "\n".join(broken)


def test_an_array_that_the_disk_takes_only_in_part_is_told_as_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
        done = Faulty(disk / "project", variables=store).cellmill("run", "churn", "--only", "load", "-p", "n=1000000")

    assert done.returncode == 1
    assert "(step load): there is no space left on the disk; free some or run" in done.stdout, done.stdout
