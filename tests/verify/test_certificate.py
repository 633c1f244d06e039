"""The certificate: edges compared by content, volatile outputs learned, the proof stamped and known when stale."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellmill.observe import record_path
from cellmill.promote.certificate import standing
from cellmill.promote.plan import readiness
from cellmill.promote.seal import seal
from cellmill.promote.verify import verify

CLOCK = "from datetime import datetime\nprint('read at', datetime.now().isoformat(), 'from 3 files')\nrows = [1, 2, 3]"
HIDDEN = "import numpy as np\nhidden = {'w': np.arange(4.0), 'rows': rows}"
USE = "print(len(hidden['rows']))"


class Project:
    """A project with one notebook, its cells given as (id, tag, source)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notebook = root / "study.ipynb"
        self.folder = root / "pipelines" / "study"
        self.printed: dict[str, str] = {}
        (root / "pyproject.toml").write_text("", encoding="utf-8")

    def write(self, *cells: tuple[str, str, str]) -> None:
        content: dict[str, Any] = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": cell_id,
                    "metadata": {"tags": [tag] if tag else []},
                    "source": source,
                    "outputs": self._saved(cell_id),
                    "execution_count": None,
                }
                for cell_id, tag, source in cells
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        self.notebook.write_text(json.dumps(content), encoding="utf-8")

    def _saved(self, cell_id: str) -> list[dict[str, Any]]:
        text = self.printed.get(cell_id)
        return [{"output_type": "stream", "name": "stdout", "text": text}] if text is not None else []

    def promote(self) -> Path:
        from cellmill.promote import make_plan, write_plan

        write_plan(make_plan(self.notebook))
        return self.folder

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def cellmill(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("cellmill")), *words]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        return subprocess.run(
            command, cwd=self.root, env=kept, capture_output=True, text=True, timeout=300, check=False
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_what_changes_by_itself_is_learned_and_proven_all_the_same(project: Project) -> None:
    # A saved time is no more looked at than the others, and what n = 2 gave is not held against n = 3.
    project.printed = {"rea": "read at 2024-05-06 07:08:09.123456 from 3 files\n", "use": "9\n"}
    project.write(("par", "parameters", "n = 2"), ("rea", "step:read", CLOCK), ("use", "step:use", "rows * n"))
    folder = project.promote()
    promotion = (folder / ".promotion.json").read_bytes()
    assert standing(folder).words == "never verified"
    found = verify(folder, assignments=["n=3"])
    assert found.equal, found.summary
    assert (found.parameters, found.notes) == ({"n": 3}, ())
    assert not record_path(project.notebook).exists(), "a run with other parameters says nothing of the notebook's own"
    (pattern,) = found.learned
    assert (pattern.cell, pattern.kinds) == (2, ("time",))
    assert pattern.replace == "read at <time> from 3 files"
    assert re.search(pattern.regex, pattern.was)
    assert not re.search(pattern.regex, pattern.was.replace("3 files", "4 files")), "no wider than what differed"
    assert "Cell 2: the time in 'read at " in found.summary
    sealed = seal(found)
    assert sealed is not None
    assert standing(folder).words == "verified just now with n = 3, where env.yaml has 2"
    project.edit("env.yaml", "n: 2", "n: 3")
    assert standing(folder).words == "verified just now"
    stamped = json.loads(sealed.certificate.read_text())
    assert (stamped["outcome"], stamped["parameters"], stamped["learned_patterns"]) == ("equal", {"n": 3}, 1)
    assert str(project.root) not in sealed.certificate.read_text()
    assert (folder / ".promotion.json").read_bytes() == promotion, "promotion stays the same bytes for a notebook"
    # The next proof, and pytest --nbval on the folder, know it from tests/learned.cfg.
    again = verify(folder)
    assert (again.equal, again.learned, again.runs_of_notebook) == (True, (), 1), again.summary
    stale = again.notes[-1]
    assert stale.startswith("study.ipynb: the saved outputs of cell 3 are not what the notebook gives")
    assert record_path(project.notebook).exists()
    project.edit("tasks/read.py", "from 3 files", "from 4 files")
    assert standing(folder).words == "not verified since tasks/read.py changed"
    project.edit("pipeline.yaml", "tasks:", "tasks: ")
    assert standing(folder).words == "not verified since pipeline.yaml and 1 other file changed"


def test_a_variable_that_no_cell_shows_is_compared_too(project: Project) -> None:
    project.write(("rea", "step:read", "rows = [1, 2, 3]"), ("hid", "step:hide", HIDDEN), ("use", "step:use", USE))
    folder = project.promote()
    project.edit("tasks/hide.py", "np.arange(4.0)", "np.arange(4.0) * 1.5")
    done = project.cellmill("verify", "study")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Variable `hidden`, from step hide to use, differs:" in done.stdout
    assert "hidden['w']: 3 of 4 values differ, the largest by 1.5; the first is 1.0 in the notebook" in done.stdout
    assert "Likely cause: tasks/hide.py was edited by hand since the promotion." in done.stdout
    assert "3 cells show the same in the pipeline; 1 of 2 variables handed over differ." in done.stdout
    report = json.loads((folder / "output" / "verification.json").read_text())
    assert (report["first"]["name"], report["notebook"]) == ("hidden", "../../study.ipynb")
    page = (folder / "output" / "verification.html").read_text()
    assert "hidden, handed from step hide to step use after cell 2" in page
    assert standing(folder).words == "verified: 1 variable differs"
    project.write(("rea", "step:read", "rows = [1, 2, 3, 4]"), ("hid", "step:hide", HIDDEN), ("use", "step:use", USE))
    assert standing(folder).words == "not verified since the notebook changed"
    told = "Not verified since the notebook changed: cellmill verify pipelines/study"
    assert told in project.cellmill("check", "study.ipynb").stdout


def test_unseeded_numbers_are_named_and_never_tolerated(project: Project) -> None:
    draw = "import random\nvalue = random.random()\nprint(value)"
    skipped = "rows.append(4)"
    project.printed = {"dra": "0.5\n"}
    project.write(
        ("rea", "step:read", "rows = [1, 2, 3]"),
        ("ski", "skip", skipped),
        ("dra", "step:draw", draw),
        ("use", "step:use", "print(len(rows), value > 1)"),
    )
    found = verify(project.promote())
    assert found.outcome == "different"
    states = {cell.number: cell.state for cell in found.cells}
    assert states == {1: "equal", 3: "varies", 4: "different"}, found.summary
    assert (found.learned, found.notes) == ((), ())
    told = next(cell for cell in found.cells if cell.number == 3)
    assert told.reason == "a number differs from run to run"
    (unseeded,) = [one for one in readiness(project.notebook) if one.code == "CM505"]
    assert told.cause == f"CM505 unseeded-random (cell 3): {unseeded.message}; {unseeded.remedy}"
    assert found.seeds["unseeded"] == told.cause
    variables = {one.name: one for one in found.variables}
    assert (variables["value"].state, variables["value"].cause) == ("varies", told.cause)
    # A cell that is not promoted changes what a step hands over: the pipeline is not what the notebook is.
    assert variables["rows"].state == "different"
    assert "`rows` changes in the notebook between the two steps (cell 2, 3)" in variables["rows"].cause
    assert found.first is variables["rows"]


READ = """\
import random
import helpers
import pandas as pd
random.seed(helpers.SEED)
pd.set_option("display.max_rows", 7)
parts = "data", "rows.csv"
rows = open("/".join(parts)).read().split()
open("seen.txt", "w").write(str(random.getrandbits(8)))"""


def test_state_without_a_name_is_compared_and_a_proof_is_bound_to_its_data(project: Project) -> None:
    data = project.root / "data" / "rows.csv"
    data.parent.mkdir()
    data.write_text("1 2 3")
    (project.root / "helpers.py").write_text("SEED = 3")
    project.write(("rea", "step:read", READ), ("use", "step:use", "print(len(rows), random.random() < 2)"))
    folder = project.promote()
    project.edit("tasks/read.py", "random.seed(helpers.SEED)", "random.seed(4)")
    done = project.cellmill("verify", "study")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "The state of random, from step read to use, differs:\nthe state of random['next draw']: 0." in done.stdout
    assert "1 variable handed over is equal; 1 of 2 pieces of process state differ." in done.stdout
    report = json.loads((folder / "output" / "verification.json").read_text())
    assert (report["first"]["kind"], report["first"]["name"]) == ("state", "random")
    page = (folder / "output" / "verification.html").read_text()
    assert "the state of random, handed from step read to step use" in page
    assert "data/rows.csv" in page
    stamped = json.loads((folder / ".certificate.json").read_text())
    assert stamped["states"] == {"different": 1, "equal": 1}
    assert {name: one["way"] for name, one in stamped["files"].items()} == {
        "data/rows.csv": "read",
        "helpers.py": "read",
        "seen.txt": "written",
    }
    assert standing(folder).words == "verified: 1 piece of process state differs"

    (project.root / "seen.txt").write_text("what a run writes is not what the proof rests on")
    assert standing(folder).state == "different"
    data.write_text("1 2 4")
    changed = "not verified since data/rows.csv changed"
    assert standing(folder).words == changed
    for command in ("check", "steps"):
        told = json.loads(project.cellmill(command, "study.ipynb", "--json").stdout)["pipeline"]
        assert (told["verified"]["state"], told["verified"]["words"]) == ("data-changed", changed)
    runs = project.cellmill("runs").stdout
    assert "study: Not verified since data/rows.csv changed: cellmill verify pipelines/study" in runs
    assert json.loads(project.cellmill("runs", "--json").stdout)["pipelines"][0]["verified"]["words"] == changed
    data.unlink()
    assert standing(folder).words == "not verified since data/rows.csv went missing"
    data.write_text("1 2 3")
    assert standing(folder).state == "different", "the same content is the same data"
    (project.root / "helpers.py").write_text("SEED = 4")
    assert standing(folder).words == "not verified since helpers.py changed"


def test_what_is_not_judged_is_named(project: Project) -> None:
    picture = "from IPython.display import display\ndisplay({'image/png': 'aGk='}, raw=True)"
    module = "import warnings\ndef load():\n    warnings.warn('an old format')\n    return 1\n"
    (project.root / "formats.py").write_text(module)
    project.write(
        ("sha", "shared", "from formats import load"),
        ("one", "step:one", "one = load()"),
        ("two", "step:two", "two = load() + one"),
        ("dra", "step:draw", picture),
    )
    folder = project.promote()
    project.edit("tasks/draw.py", "aGk=", "aG8=")
    found = verify(folder)
    assert "Edited by hand since the promotion: tasks/draw.py." in found.summary
    assert "Cell 4 (task draw): its picture is another, and pictures are not judged: look at both" in found.summary
    states = {cell.number: cell.state for cell in found.cells if cell.task}
    assert states == {2: "equal", 3: "different", 4: "equal"}
    cause = next(cell.cause for cell in found.cells if cell.state == "different")
    assert cause.startswith("Python shows such a warning once in a process, which in the notebook was in cell 2;")
    sealed = seal(found)
    assert sealed is not None
    assert "its picture" in json.loads(sealed.certificate.read_text())["not_compared"]["cell 4"]


def test_a_clock_that_only_the_pipeline_reads_otherwise_is_no_result_and_no_proof(project: Project) -> None:
    project.write(("rea", "step:read", "print('fitted in 0.5 s, 3 rows')"))
    folder = project.promote()
    project.edit("tasks/read.py", "0.5 s", "0.7 s")
    found = verify(folder)
    assert (found.outcome, found.learned) == ("varies", ())
    assert "a duration differs, though not between the notebook's own two runs" in found.summary


def test_memory_that_a_library_keeps_counts_where_it_is_changed(project: Project) -> None:
    grow = "from sklearn.tree import DecisionTreeClassifier\nclf = DecisionTreeClassifier().fit([[0], [1]], [0, 1])"
    make = f"{grow}\nlimits = clf.tree_.threshold"
    look = "print(limits[0], clf.get_depth())"
    project.write(("mak", "step:make", make), ("use", "step:use", look))
    found = verify(project.promote())
    assert found.equal, found.summary
    assert [one.name for one in found.variables if "shares memory" in one.reason] == ["limits"]
    project.write(("mak", "step:make", make), ("use", "step:use", f"limits[0] = 2.5\n{look}"))
    assert verify(project.promote()).outcome == "different"
