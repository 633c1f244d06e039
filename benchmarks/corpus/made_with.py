"""What a result was made with: the state of cellmill's code, and the versions of what it rests on."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import cellmill

HERE = Path(__file__).parent
VERSIONS = "ploomber papermill jupytext nbval ipykernel numpy scipy pandas matplotlib".split()


def made_with() -> str:
    """One text; results with another one don't belong into the same table."""
    others = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return f"cellmill {_code()}; Python {platform.python_version()}, {others}"


def _code() -> str:
    """The last commit that changed the code and a hash of what is not committed; the version where there is no git."""
    code = [str(Path(cellmill.__file__).parent), *map(str, sorted(HERE.glob("*.py")))]
    commit = _git("log", "-1", "--format=%h", "--abbrev=12", "--", *code)
    if not commit:
        return version("cellmill")
    changes = _git("diff", "HEAD", "--", *code) + _git("ls-files", "--others", "--exclude-standard", "--", *code)
    return f"{commit} with changes {hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else commit


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
