"""A small notebook in a project of its own, promoted for real, on which verification and the tests are tried."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def stdout(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def result(text: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": {"text/plain": text}}


SHARED = '''def double(x):
    """Twice x.

    >>> double(2)
    4
    """
    return 2 * x

def half(x):
    return x / 2'''
LOAD = "xs = list(range(n))\nprint('loaded', len(xs))\nxs"
TRAIN = "total = double(sum(xs))\ntotal"
AWAIT = "import asyncio\nawait asyncio.sleep(0, half(len(xs)))"
REPORT = "%%time\nprint('first', xs[0])"

# id, tags, source, and the outputs that the notebook was saved with
CELLS: list[tuple[str, list[str], str, list[dict[str, Any]]]] = [
    ("ext", [], "%load_ext cellmill", []),
    ("par", ["parameters"], "n = 5", []),
    ("sha", ["shared"], SHARED, []),
    ("loa", ["step:load"], LOAD, [stdout("loaded 5\n"), result("[0, 1, 2, 3, 4]")]),
    ("id1", ["step:load", "nbval-ignore-output"], "import os\nos.getpid()", [result("4711")]),
    ("try", [], "print('only in the notebook')", [stdout("only in the notebook\n")]),
    ("tra", ["step:train"], TRAIN, [result("20")]),
    ("obj", ["step:train"], "[object()]", [result("[<object at 0x7f0123456789>]")]),
    ("cri", ["step:train"], '%criteria "total >= 20"\n%criteria "total < 21"', []),
    ("asy", ["step:report"], AWAIT, [result("2.5")]),
    ("rep", ["step:report"], REPORT, [stdout("first 0\nCPU times: user 1 s\nWall time: 2 s\n")]),
    ("che", ["check:report"], "assert xs[0] == 0", []),
]


class Workspace:
    """A project with one notebook, and the pipeline that it is promoted to."""

    shared = SHARED

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notebook = root / "notebooks" / "sums.ipynb"
        self.folder = root / "pipelines" / "sums"
        self.notebook.parent.mkdir(parents=True)
        (root / "pyproject.toml").write_text("", encoding="utf-8")

    def write(self, **sources: str) -> None:
        """Write the notebook, with other sources for the cells of these ids."""
        cells = [
            {
                "cell_type": "code",
                "id": cell_id,
                "metadata": {"tags": tags} if tags else {},
                "source": sources.get(cell_id, source),
                "outputs": outputs,
                "execution_count": 1,
            }
            for cell_id, tags, source, outputs in CELLS
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        self.notebook.write_text(json.dumps(content), encoding="utf-8")

    def promote(self) -> Path:
        """Promote the notebook as it stands."""
        from cellmill.promote import make_plan, write_plan

        write_plan(make_plan(self.notebook))
        return self.folder

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file of the pipeline by hand."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def pytest(self, *arguments: str, cwd: Path | None = None) -> Pytest:
        """Run pytest in a process of its own."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-rA", *arguments]
        temporary = self.root / ".temporary"
        temporary.mkdir(exist_ok=True)
        # Where CI is set, pytest prints longer summaries.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST") and key != "CI"}
        environment["TMPDIR"] = str(temporary)
        done = subprocess.run(
            command, cwd=cwd or self.root, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        return Pytest(done.stdout + done.stderr)

    def files(self) -> dict[str, bytes]:
        """Everything in the project but the record of its runs, and what Python and the reference tests cache."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not {"__pycache__", ".build", ".cellmill", ".temporary"} & set(path.parts)
        }


class Pytest:
    """What a pytest session said; outcomes by node id."""

    def __init__(self, text: str) -> None:
        self.text = text
        lines = re.findall(r"^(PASSED|FAILED|ERROR) (.*?)(?: - .*)?$", text, re.MULTILINE)
        self.outcomes = {node.rpartition("pipelines/sums/")[2]: outcome for outcome, node in lines}
        self.passed = {node for node, outcome in self.outcomes.items() if outcome == "PASSED"}
        self.failed = {node for node, outcome in self.outcomes.items() if outcome != "PASSED"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project whose notebook is written, not promoted."""
    made = Workspace(tmp_path)
    made.write()
    return made
