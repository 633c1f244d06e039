"""Programs in small steps, observed in a real kernel, then run whole and as a pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """What became of each of the module's PROGRAMS."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parents[1] / "dataflow" / "run_programs.py")],
        input=json.dumps(request.module.PROGRAMS),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout[done.stdout.index("{") :]))
