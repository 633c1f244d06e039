"""Programs in small steps, run whole and as a pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulated_pipeline import Simulation


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """What became of each of the module's PROGRAMS."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run_programs.py"))],
        input=json.dumps(request.module.PROGRAMS),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Runs programs whole and as a pipeline in this process."""
    with Simulation(tmp_path_factory.mktemp("programs")) as simulation:
        yield simulation
