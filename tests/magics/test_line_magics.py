"""The line magics in real kernels: what they show, what they refuse, and where the author's metrics go."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def place(tmp_path_factory, write_cells, churn) -> Path:
    """A project for tests that leave its notebook as it is."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "pyproject.toml").touch()
    write_cells(folder / "notebooks" / "churn.ipynb", *churn)
    return folder


@pytest.fixture(scope="module")
def author(start_module, place):
    """The kernel of notebooks/churn.ipynb as Jupyter starts it, magics loaded."""
    return loaded(start_module, place)


def loaded(start, folder: Path):
    path = folder / "notebooks" / "churn.ipynb"
    kernel = start(path.parent, {"JPY_SESSION_NAME": str(path)})
    assert kernel.run("%load_ext cellmill").status == "ok"
    return kernel


# ---- %steps


def test_steps_shows_cells_edges_and_live_variables(author) -> None:
    author.run("numbers = [1, 2, 3]")
    shown = author.run("%steps")
    assert shown.status == "ok"
    assert shown.text.splitlines() == [
        "churn.ipynb: 3 steps, 3 edges.",
        "",
        "step      cells       after     hands over",
        "--------  ----------  --------  -------------------------------------------",
        "load      2                     numbers (list, 3 items) -> features, report",
        "features  3           load      total (not in this kernel) -> report",
        "report    4; check 5  load",
        "                      features",
        "",
        "Parameters: cell 1.",
        "Not promoted: cell 6.",
    ]
    assert shown.html.count("<tr>") == 4


def test_steps_escapes_what_it_shows(author) -> None:
    author.run("class Odd(list):\n    pass\nOdd.__name__ = '<script>'\nnumbers = Odd()")
    shown = author.run("%steps")
    assert "<script>" in shown.text
    assert "<script>" not in shown.html
    assert "&lt;script&gt;" in shown.html
    assert not re.search(r"color|background", shown.html)


def test_steps_takes_another_notebook(author, write_cells, tmp_path) -> None:
    path = write_cells(tmp_path / "other notebook.ipynb", "%%step a\nx = 1", "%%step b\nx")
    assert author.run(f"%steps '{path}'").text.startswith("other notebook.ipynb: 2 steps, 1 edge.")
    empty = write_cells(tmp_path / "empty.ipynb", "x = 1")
    assert "empty.ipynb has no steps." in author.run(f"%steps {empty}").text


def test_steps_describes_data_by_shape_and_size(author) -> None:
    for value, described in (
        ("__import__('pandas').DataFrame({'a': [1.0, 2.0]})", r"DataFrame, 2 x 1, \d+ B"),
        ("__import__('numpy').zeros((3, 4))", "ndarray, 3 x 4, 96 B"),
        ("__import__('numpy').zeros(2000)", "ndarray, 2000 items, 16 kB"),
        ("'abc'", "str, 3 characters"),
        ("12", "int, 12"),
        ("type('Hostile', (), {'shape': property(lambda self: 1 / 0)})()", "Hostile"),
    ):
        author.run(f"numbers = {value}")
        assert re.search(rf"numbers \({described}\)", author.run("%steps").text.replace("\n", " ")), value


# ---- which notebook


def test_a_session_without_a_notebook_says_how_to_name_it(start, tmp_path) -> None:
    kernel = start(tmp_path)
    kernel.run("%load_ext cellmill")
    for magic in ("%steps", "%readiness", "%promote", "%run_pipeline"):
        shown = kernel.run(magic)
        assert shown.status == "error"
        assert shown.traceback == (
            "Error: this session does not say which notebook it belongs to; name it, as in "
            "%steps notebooks/churn.ipynb or %promote --notebook notebooks/churn.ipynb."
        )


def test_a_renamed_notebook_is_told(start, project) -> None:
    author = loaded(start, project)
    path = project / "notebooks" / "churn.ipynb"
    path.rename(path.with_name("new.ipynb"))
    shown = author.run("%steps")
    assert "churn.ipynb: the notebook is not there (any more); save it; if it was renamed, restart" in shown.traceback
    assert author.run("%steps new.ipynb").status == "ok"


def test_a_renamed_notebook_is_found_by_the_cells_that_were_run(start, project) -> None:
    author = loaded(start, project)
    author.run("size = 3", cell_id="cell-1")
    path = project / "notebooks" / "churn.ipynb"
    path.rename(path.with_name("new.ipynb"))
    assert author.run("%steps", cell_id="scratch").text.startswith("new.ipynb: 3 steps")
    path.with_name("copy.ipynb").write_bytes(path.with_name("new.ipynb").read_bytes())
    assert "churn.ipynb: the notebook is not there (any more)" in author.run("%steps", cell_id="scratch").traceback


def test_the_notebook_is_found_in_vs_code_and_in_collaborative_lab(start, project) -> None:
    path = project / "notebooks" / "churn.ipynb"
    kernel = start(project, {"JPY_SESSION_NAME": str(path.with_name(f"RTC:{path.name}"))})
    kernel.run("%load_ext cellmill")
    assert kernel.run("%steps").text.startswith("churn.ipynb: 3 steps")
    kernel = start(project)
    kernel.run(f"%load_ext cellmill\n__vsc_ipynb_file__ = {str(path)!r}")
    assert kernel.run("%steps").text.startswith("churn.ipynb: 3 steps")


def test_changes_that_are_not_saved_are_told(start, project) -> None:
    author = loaded(start, project)
    note = "churn.ipynb has changes that are not saved"
    author.run("%%step load\nnumbers = list(range(size))", cell_id="cell-2")
    author.run("scratch = 'changed, and untagged'", cell_id="cell-6")
    author.run("%steps", cell_id="new-scratch-cell")
    assert "save" not in author.run("%steps").text
    author.run("%%step extra\nmore = 1", cell_id="new")
    sentence = "%%step extra was run but is not in churn.ipynb; if it should be, save first (Ctrl+S)."
    assert sentence in author.run("%steps").text
    assert sentence in author.run("%promote --dry-run").text
    author.run("%%step load\nnumbers = [1, 2]", cell_id="cell-2")
    assert f"{note} (cell 2, %%step extra); save it first (Ctrl+S)." in author.run("%readiness").text
    shown = author.run("%promote")
    assert shown.status == "error"
    assert f"{note} (cell 2, %%step extra); save it (Ctrl+S) and run this cell again" in shown.traceback
    author.run("%%step load\nnumbers = list(range(size))", cell_id="cell-2")
    assert note not in author.run("%steps").text


# ---- %readiness, %promote, %run_pipeline


def test_readiness_shows_each_finding_with_place_and_remedy(author, write_cells, tmp_path) -> None:
    assert author.run("%readiness").text.startswith("churn.ipynb is ready for %promote")
    bad = write_cells(tmp_path / "bad.ipynb", "%%step a\nx = <b>", "%%step b --after c\ny = 1")
    shown = author.run(f"%readiness {bad}")
    assert shown.text.startswith("bad.ipynb is not ready: 2 errors")
    assert "cell 1, line 2" in shown.text
    assert "CM111" in shown.text
    assert "the steps are a, b" in shown.text
    refused = author.run(f"%promote --notebook {bad}")
    assert refused.text.startswith("bad.ipynb is not ready: 2 errors")
    assert "bad.ipynb, cell 1, line 2: not ready for promotion: " in refused.traceback


def test_readiness_counts_what_is_ignored_and_shows_it_on_request(author, write_cells, tmp_path) -> None:
    line = 'print("/home/ada/a.csv")  # cellmill: ignore[CM501] all our machines have it'
    path = write_cells(tmp_path / "ignoring.ipynb", f"%%step a\n{line}")
    shown = author.run(f"%readiness {path}").text
    assert "1 finding ignored: %readiness --show-ignored." in shown
    assert "absolute" not in shown
    shown = author.run(f"%readiness {path} --show-ignored").text
    assert "Ignored: CM501, cell 1, line 2: " in shown
    assert "(all our machines have it)." in shown


def test_from_the_notebook_to_its_pipeline_and_through_it(start, project, write_cells) -> None:
    author = loaded(start, project)
    folder = project / "pipelines" / "churn"
    assert re.search(r"tasks/load.py +\d+ bytes +would be written", author.run("%promote --dry-run").text)
    assert "+++ b/pipeline.yaml" in author.run("%promote --diff").text
    assert not folder.exists()
    shown = author.run("%promote")
    assert shown.status == "ok", shown.traceback
    assert shown.text.startswith("churn.ipynb is now the pipeline ../pipelines/churn.")
    assert (folder / "tasks" / "load.py").is_file()
    assert "nothing would change" in author.run("%promote --diff").text
    assert "is current: nothing was written" in author.run("%promote").text

    shown = author.run("%run_pipeline -p size=4", timeout=120)
    assert shown.status == "ok", shown.stderr + shown.traceback
    assert shown.text.startswith("churn: succeeded in")
    states = [line.split()[:2] for line in shown.text.splitlines() if " done " in line]
    assert states == [["load", "done"], ["features", "done"], ["report", "done"]]
    assert len(shown.displays) == 1, "the table updates in place"
    assert shown.html.count("✓") == 3, "the steps are drawn, and the picture stays in the saved notebook"
    assert not any("widget" in kind for kind in shown.displays[-1])
    assert "6 4" in (folder / "output" / "report.ipynb").read_text()
    assert author.run("%run_pipeline churn -p size=4", timeout=120).text.count("up to date") == 3
    assert experiments(project / "mlflow.db") == ["churn"]

    # An edit by hand is kept; a failing step is told in one line.
    task = folder / "tasks" / "report.py"
    task.write_text(task.read_text().replace("print(total, ", "print(1 / 0, "))
    assert "Edited by hand, and kept: tasks/report.py" in author.run("%promote").text
    expected = author.run("%run_pipeline -p size=4 --dry-run", timeout=120)
    assert re.search(r"report +would run: its code changed \(tasks/report.py: cell 4, line\s+2\)", expected.text)
    assert re.search(r"load +up to date, made ", expected.text)
    shown = author.run("%run_pipeline -p size=4", timeout=120)
    assert shown.status == "error"
    assert "ZeroDivisionError" in shown.traceback
    assert "cell 4" in shown.traceback
    assert "\n" not in shown.traceback.strip()
    assert re.search(r"report +failed", shown.text)
    assert author.run("%promote --overwrite").text.startswith("The pipeline ../pipelines/churn is again as churn.ipynb")
    shown = author.run("%run_pipeline --repair", timeout=120)
    assert shown.status == "ok", shown.traceback
    assert re.search(r"report +done", shown.text), shown.text
    assert re.search(r"load +skipped +not asked for \(--repair\)", shown.text)
    assert author.run("1 + 1").result == "2"


@pytest.mark.parametrize(
    "line, says",
    [
        ("%promote --forse", "%promote has no option --forse; you may have meant --force"),
        ("%promote a b", "%promote does not take 'b'; write %promote [NAME]"),
        ("%promote --into", "%promote: --into needs a value"),
        ("%promote 'x", "%promote: a quote is opened and not closed"),
        ("%promote my-name", "can't be a pipeline's name"),
        ("%run_pipeline chrun", "there is no pipeline chrun in "),
        ("%run_pipeline", "make it with %promote"),
        ("%steps nowhere.ipynb", "nowhere.ipynb: there is no such file"),
        ("%readiness a.ipynb b.ipynb", "%readiness does not take 'b.ipynb'"),
        ("%metric", "%metric needs a name and a value; write %metric NAME VALUE"),
        ("%metric acc 'high'", "%metric acc: 'high' is a str, not a number"),
        ("%criteria acc =", "is not a Python expression; write %criteria"),
        ("%criteria missing > 1", "nothing is named missing; write %metric missing VALUE above it"),
        ("%criteria 'text' > 1", "%criteria 'text' > 1: TypeError"),
    ],
)
def test_what_a_line_magic_cannot_do_is_told_in_one_line(author, line, says) -> None:
    shown = author.run(line)
    assert shown.status == "error"
    assert "\n" not in shown.traceback
    assert says in shown.traceback


# ---- %metric, %criteria


def test_criteria_fail_the_cell_with_what_was_measured(author) -> None:
    author.run("accuracy = 0.85\nimport numpy as np\nscores = {'f1': np.float64(0.5)}")
    shown = author.run('before = 1\n%criteria "accuracy >= 0.9"\nafter = 1')
    assert shown.error == "AssertionError: criteria not met: accuracy >= 0.9, measured accuracy = 0.85"
    assert shown.traceback == shown.error
    assert author.run("'after' in globals()").result == "False"
    shown = author.run("%criteria scores['f1'] > accuracy")
    assert shown.error.endswith("measured scores['f1'] = 0.5, accuracy = 0.85")
    for met in ("accuracy < 0.9", "0 < accuracy <= 1 and len(scores) == 1", "not all(v > 1 for v in scores.values())"):
        assert author.run(f"%criteria {met}").status == "ok", met


def test_criteria_know_metrics_and_variables_before_them(author) -> None:
    author.run("%metric recall 0.5\n%metric accuracy 0.5\naccuracy = 0.95")
    assert author.run("%criteria recall == 0.5 and accuracy > 0.9").status == "ok"


def test_metrics_land_in_the_notebooks_experiment_without_importing_mlflow(start, project) -> None:
    author = loaded(start, project)
    shown = author.run("import sys\nmodel = [3, 4]\n%metric best max(model) / {'n': 8}['n']\n'mlflow' in sys.modules")
    assert (shown.status, shown.result, shown.stdout, shown.stderr) == ("ok", "False", "", "")
    found = ""
    for _ in range(300):
        found = metrics(project / "mlflow.db")
        if found:
            break
        time.sleep(0.1)
    assert json.loads(found) == [["poc/churn", "best", 0.5]]
    shown = author.run("import mlflow\nmlflow.log_metric('loss', 0.25)\nmlflow.end_run()", timeout=120)
    assert shown.status == "ok", shown.traceback
    assert ["poc/churn", "loss", 0.25] in json.loads(metrics(project / "mlflow.db"))


def test_what_the_user_set_for_mlflow_stays(start, project) -> None:
    given = {"MLFLOW_TRACKING_URI": "sqlite:///elsewhere.db", "MLFLOW_EXPERIMENT_NAME": "mine"}
    kernel = start(project, {**given, "MLFLOW_DISABLE_TELEMETRY": "false"})
    kernel.run("import os\nbefore = dict(os.environ)\n%load_ext cellmill")
    assert kernel.run("[os.environ[n] == before[n] for n in before].count(False)").result == "0"
    kernel.run("del os.environ['MLFLOW_DISABLE_TELEMETRY']\n%reload_ext cellmill")
    assert kernel.run("os.environ['MLFLOW_DISABLE_TELEMETRY']").result == "'true'"


def test_loading_is_light(start, project) -> None:
    author = loaded(start, project)
    heavy = "mlflow ploomber papermill pandas numpy nbformat nbconvert rich".split()
    assert author.run(f"import sys; [n for n in {heavy} if n in sys.modules]").result == "[]"


def metrics(store: Path) -> str:
    if not store.exists():
        return ""
    with sqlite3.connect(store) as database:
        try:
            rows = database.execute(
                "select e.name, m.key, m.value from metrics m join runs r using (run_uuid) "
                "join experiments e using (experiment_id)"
            ).fetchall()
        except sqlite3.OperationalError:  # the tables are still being made
            return ""
    database.close()
    return json.dumps([list(row) for row in rows]) if rows else ""


def experiments(store: Path) -> list[str]:
    with sqlite3.connect(store) as database:
        rows = database.execute("select distinct e.name from runs join experiments e using (experiment_id)").fetchall()
    database.close()
    return [name for (name,) in rows]
