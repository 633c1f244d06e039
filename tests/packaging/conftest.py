"""The wheel, built and installed as a user gets it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from lent_environment import make_lent_environment

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the wheel; all other packages are those of the tests' own environment."""

    prefix: Path

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in an empty folder of its own, away from the checkout."""
        folder = self.prefix / "work"
        folder.mkdir(exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, timeout=120, check=check
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A clean environment with the wheel installed."""
    prefix = tmp_path_factory.mktemp("environment") / "venv"
    make_lent_environment(prefix)
    install = ["install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", "--force-reinstall", wheel]
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", prefix / "bin/python", *install],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return Environment(prefix)
