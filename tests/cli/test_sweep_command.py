"""sweep as users call it: what is shared, what runs again, what is told, what MLflow has, what is written."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cellmill.run.sweep.promote_best import with_values
from cellmill.track.store import connect, read_uri

CELLS = [
    ("strength = 1.0  # how hard\nkind = 'square'\nsizes = [1, 2]\nseed = 7", "parameters"),
    ("rows = [seed, 2, 3]\nopen('loaded.txt', 'a').write('x')", "step:load"),
    ("%metric width len(sizes)\nscaled = [strength * row for row in rows]", "step:scale"),
    (
        "if kind == 'cube' and strength == 3:\n    raise ValueError('too strong')\n"
        "power = 2 if kind == 'square' else 3\nloss = sum([row**power for row in scaled])\n%metric loss loss",
        "step:judge",
    ),
]
COMMAND = [str(Path(sys.executable).with_name("cellmill"))]


def call(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=project, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a promoted pipeline."""
    root = tmp_path_factory.mktemp("sweep")
    (root / "pyproject.toml").touch()
    (root / "notebooks").mkdir()
    notebook = nbformat.v4.new_notebook()
    for number, (source, tag) in enumerate(CELLS, start=1):
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"cell{number}", metadata={"tags": [tag]}))
    nbformat.write(notebook, root / "notebooks" / "churn.ipynb")
    assert call(root, "promote", "notebooks/churn.ipynb").returncode == 0
    return root


@pytest.fixture(scope="module")
def swept(project: Path) -> subprocess.CompletedProcess[str]:
    """A sweep in which one combination fails."""
    return call(project, *"sweep churn -p strength=1,2,3 -p kind=square,cube --metric loss --minimize --jobs 2".split())


def loads(project: Path) -> int:
    return len((project / "notebooks/loaded.txt").read_text())


def test_a_failed_combination_is_told_and_the_others_are_ranked(swept: Any, project: Path) -> None:
    assert swept.returncode == 1
    assert swept.stderr.startswith(
        "Error: strength=3.0, kind=cube: notebooks/churn.ipynb, cell 4, line 2 (step judge): ValueError: too strong;"
    )
    lines = swept.stdout.splitlines()
    assert lines[0] == "churn: 6 combinations of strength, kind, 10 steps"
    head = next(
        place for place, line in enumerate(lines) if line.split() == "strength kind loss width time state".split()
    )
    rows = [line.split() for line in lines[head + 1 : head + 7]]
    assert rows[0][:5] == ["best", "1.0", "square", "62", "2"]
    assert [row[2] for row in rows[1:5]] == ["248", "378", "558", "3024"]
    assert rows[5][:2] == ["3.0", "cube"]
    assert rows[5][-1] == "failed"
    assert any(
        line.startswith("Failed in ") and "5 combinations done, 1 failed; 10 steps ran." in line for line in lines
    )
    assert "Best:    strength=1.0, kind=square (loss = 62.0)" in swept.stdout.replace("= 62)", "= 62.0)")
    assert "Next:    cellmill sweep pipelines/churn -p strength=1,2,3 -p kind=square,cube" in swept.stdout


def test_a_step_runs_once_for_all_combinations_that_it_does_not_depend_on(swept: Any, project: Path) -> None:
    assert loads(project) == 1
    # The kind reaches the last step only, so three strengths are scaled three times and not six.
    finished = [line for line in swept.stdout.splitlines() if "scale" in line and "done in" in line]
    assert sorted(line.partition(": ")[0].partition("] ")[2] for line in finished) == [
        "scale [strength=1.0]",
        "scale [strength=2.0]",
        "scale [strength=3.0]",
    ]


def test_the_sweep_is_in_the_list_of_runs_with_its_page(swept: Any, project: Path) -> None:
    (run,) = json.loads(call(project, "runs", "--json").stdout)["runs"]
    assert (run["kind"], run["state"]) == ("sweep", "failed")
    assert run["parameters"]["strength"] == [1.0, 2.0, 3.0]
    page = (project / f"pipelines/churn/output/sweeps/{run['run_id']}.html").read_text()
    assert len(re.findall('<g class="line[ "]', page)) == 6
    assert page.count("<tr") == 7
    assert "http" not in page
    assert "too strong" in page


def test_mlflow_has_a_run_for_each_combination_under_the_sweeps(swept: Any, project: Path) -> None:
    client = connect(read_uri(f"sqlite:///{project / 'mlflow.db'}", project, project))
    experiment = client.get_experiment_by_name("churn")
    assert experiment is not None
    runs = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
    parents = {run_id: run.data.tags.get("mlflow.parentRunId") for run_id, run in runs.items()}
    (top,) = [run_id for run_id, parent in parents.items() if parent is None]
    assert runs[top].data.tags["cellmill.kind"] == "sweep"
    assert runs[top].data.tags["cellmill.best"] == "strength=1.0, kind=square"
    assert runs[top].data.metrics["loss"] == 62
    below = {runs[run_id].info.run_name: runs[run_id] for run_id, parent in parents.items() if parent == top}
    combinations = {name: run for name, run in below.items() if run.data.tags["cellmill.kind"] == "combination"}
    assert sorted(below.keys() - combinations.keys()) == ["load"] + [f"scale [strength={n}.0]" for n in (1, 2, 3)]
    assert len(combinations) == 6
    one = combinations["strength=2.0, kind=cube"]
    assert (one.data.params, one.info.status) == ({"strength": "2.0", "kind": "cube"}, "FINISHED")
    assert one.data.metrics["loss"] == 3024
    assert one.data.metrics["width"] == 2
    assert combinations["strength=3.0, kind=cube"].info.status == "FAILED"
    inside = [runs[run_id] for run_id, parent in parents.items() if parent == one.info.run_id]
    assert [run.info.run_name for run in inside] == ["judge"]
    assert inside[0].data.params["kind"] == "cube"
    assert [artifact.path for artifact in client.list_artifacts(top) if artifact.path.endswith(".html")]


def test_a_second_sweep_runs_nothing_and_the_best_values_can_be_promoted(swept: Any, project: Path) -> None:
    env = project / "pipelines/churn/env.yaml"
    env.write_text(env.read_text().replace("strength: 1.0", "strength: 1.0  # agreed on"))
    before = env.read_text()
    words = "sweep churn -p kind=cube,square -p strength=2,1 --metric loss --maximize --promote-best".split()

    unasked = call(project, *words)
    assert unasked.returncode == 2
    assert "there is no terminal to ask in: add --yes" in unasked.stderr

    done = call(project, *words, "--yes")
    assert done.returncode == 0, done.stderr
    assert "Succeeded in " in done.stdout
    assert "4 combinations up to date; nothing had to run." in done.stdout
    assert loads(project) == 1
    assert "-strength: 1.0  # agreed on\n" in done.stdout
    assert "+strength: 2.0  # agreed on\n" in done.stdout
    assert "+kind: cube\n" in done.stdout
    assert env.read_text() == before.replace("1.0  # agreed", "2.0  # agreed").replace("kind: square", "kind: cube")
    # What did not run is recorded already.
    assert "MLflow" not in done.stdout


def test_a_stopped_sweep_goes_on_where_it_was(swept: Any, project: Path) -> None:
    task = project / "pipelines/churn/tasks/judge.py"
    task.write_text(task.read_text().replace("power = ", "import time; time.sleep(30)\npower = "))
    words = ["sweep", "churn", "-p", "sizes=[1],[1, 2, 3]", "-p", "seed=9", "--jobs", "1"]
    running = subprocess.Popen(
        [*COMMAND, *words], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "judge [sizes=[1]]: started" in line:
            break
    running.send_signal(signal.SIGINT)
    rest, told = running.communicate(timeout=60)

    assert running.returncode == 130, told
    assert "Stopped in " in rest
    assert loads(project) == 2
    task.write_text(task.read_text().replace("sleep(30)", "sleep(0)"))
    again = json.loads(call(project, *words, "--json").stdout)
    assert [one["state"] for one in again["combinations"]] == ["succeeded", "succeeded"]
    assert [one["metrics"]["width"] for one in again["combinations"]] == [1, 3]
    assert loads(project) == 2


@pytest.mark.parametrize(
    "before, after",
    [
        ("a: 1 # why\n\nb: 2\n", "a: 5 # why\n\nb: 2\n"),
        ("b: 2\na:\n- 1\n- 2\n\n# next\nc: 3\n", "b: 2\na: 5\n\n# next\nc: 3\n"),
        ("a: [1,\n  2]  # two\r\nb: 2", "a: 5  # two\r\nb: 2"),
        ("'a': 'x: y'\n", "'a': 5\n"),
        ("b: 2", "b: 2\na: 5\n"),
        ("", "a: 5\n"),
        ("a: 5   # there\n", "a: 5   # there\n"),
    ],
)
def test_only_the_line_of_a_promoted_value_changes(before: str, after: str) -> None:
    assert with_values(before, {"a": 5}) == after


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("-p strenght=1,2", "there is no parameter strenght (did you mean strength?)"),
        ("-p strength=1,,2", "parameter strength: there is an empty value in '1,,2'; type values with commas"),
        ("-p strength=1,2,1.0", "parameter strength: the value 1.0 is given twice."),
        ("-p strength=1 -p strength=2", "parameter strength is given twice; type -p strength=VALUE,VALUE once."),
        ("-p strength=1,strong", "parameter strength takes a float, not strong."),
        ("-p strength=1,2 --metric loss", "Say whether the best loss is the lowest or the highest"),
        ("-p strength=1,2 --seed 3", "--seed goes with --random."),
    ],
)
def test_what_can_not_be_swept_is_refused_in_one_sentence(
    arguments: str, sentence: str, project: Path, monkeypatch: Any, cellmill: Callable[..., Any]
) -> None:
    monkeypatch.chdir(project)
    done = cellmill("sweep", "churn", *arguments.split())
    assert done.exit_code in (1, 2)
    assert sentence in done.stderr
