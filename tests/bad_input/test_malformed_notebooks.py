"""Any bytes in an .ipynb file give a plan or one sentence that says why not: no traceback, no hang.

`CELLMILL_NOTEBOOKS=10000` tries as many; without it the suite takes a sample.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broken_notebooks import broken_notebook

from cellmill.errors import CellmillError
from cellmill.promote import make_plan

NOTEBOOKS = int(os.environ.get("CELLMILL_NOTEBOOKS", "120"))
SECONDS = 10  # of the processor; by the clock ten times as long, on a machine that does other work too


class TooLong(BaseException):
    """Not an Exception: no handler on the way may take it for one."""


def stop(*_: Any) -> None:
    raise TooLong


def outcome(notebook: Path) -> str:
    """What a user would see: the plan, one sentence, or what went wrong with cellmill itself."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 10 * SECONDS)
    try:
        plan = make_plan(notebook)
        for name, content in plan.files.items():
            name.encode()
            assert isinstance(content, bytes)
        return "planned"
    except CellmillError as refused:
        text = str(refused)
        text.encode()
        findings = getattr(refused, "findings", ())
        words = [text, *(f"{one}" for one in findings)]
        for one in words:
            one.encode()
        return "refused" if "\n" not in text and text.endswith((".", "?", "!")) else f"not one sentence: {text!r}"
    except TooLong:
        return f"hangs: {''.join(traceback.format_exc()[-1500:])}"
    except BaseException:
        return traceback.format_exc()[-1500:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    """Both timers end in `stop`."""
    before = {number: signal.signal(number, stop) for number in (signal.SIGALRM, signal.SIGPROF)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore")
def test_a_malformed_notebook_is_planned_or_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    notebook = tmp_path / "any.ipynb"
    outcomes: Counter[str] = Counter()
    wrong: dict[int, str] = {}
    for seed in range(NOTEBOOKS):
        notebook.write_bytes(broken_notebook(seed))
        what = outcome(notebook)
        outcomes[what if what in ("planned", "refused") else "wrong"] += 1
        if what not in ("planned", "refused"):
            wrong[seed] = what
    assert not wrong, "\n".join(f"--- seed {seed}\n{what}" for seed, what in list(wrong.items())[:20])
    # A sample in which nothing gets through, or everything, would show little.
    assert outcomes["planned"] > NOTEBOOKS / 20
    assert outcomes["refused"] > NOTEBOOKS / 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "source",
    [
        "!echo {\ud800}",
        "exec('\\ud800')",
        "exec('" + "-" * 3000 + "1')",
        '%%capture "out\nx = 1',
        "%time x = \u2028 1",
        "%time " * 3000 + "x",
        "x = 1\n" + "%%time\n" * 20000,
        "x: 'Literal[{[]: 1}]' = 1",
    ],
    ids=["half a character", "half in a text", "deep text", "open quote", "separator", "nested", "many", "annotation"],
)
@pytest.mark.parametrize("tag", ["parameters", "step:load"])
def test_what_broken_notebooks_taught(tmp_path: Path, source: str, tag: str) -> None:
    text = {"output_type": "stream", "name": "stdout", "text": "half \ud800"}
    odd = {"cell_type": "code", "id": "odd", "execution_count": 1, "metadata": {"tags": [tag]}, "outputs": [text]}
    last = odd | {"id": "last", "metadata": {"tags": ["step:last"]}, "source": "print(1)"}
    document = {"cells": [odd | {"source": source}, last], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "pyproject.toml").touch()
    notebook = tmp_path / "any.ipynb"
    notebook.write_text(json.dumps(document), encoding="utf-8")

    assert outcome(notebook) in ("planned", "refused")
