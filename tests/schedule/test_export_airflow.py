"""The Airflow export as files: what stands in them, what is refused, what is not written over. No Airflow needed."""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from click.testing import CliRunner, Result

from cellmill.promote.env_values import encode
from cellmill.schedule.export.timing import airflow_timing
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.triggers import Cron, Every

Call = Callable[..., Result]

HOSTILE = '''it's "so"\n""" + __import__('os').system('touch pwned') + """ {{ 1 + 1 }} \\'''
NIGHTLY: dict[str, Any] = {"name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin"}


@pytest.fixture
def churn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline of three steps, in a project that is the current folder."""
    folder = tmp_path / "project/pipelines/churn"
    (folder / "tasks").mkdir(parents=True)
    (tmp_path / "project/pyproject.toml").write_text("")
    tasks = []
    for name, upstream in (("load", None), ("report", ["fit", "load"]), ("fit", ["load"])):
        cells = f'# %% tags=["parameters"]\nupstream = {upstream}\nproduct = None\n\n# %%\nprint(1)\n'
        (folder / f"tasks/{name}.py").write_text(cells)
        product = {"nb": f"{{{{here}}}}/output/{name}.ipynb"}
        tasks.append({"source": f"tasks/{name}.py", "name": name, "product": product, "params": {"n": "{{n}}"}})
    (folder / "pipeline.yaml").write_text(yaml.safe_dump({"tasks": tasks}))
    (folder / "env.yaml").write_text("n: 2\n")
    declare(folder, schedule=[NIGHTLY])
    monkeypatch.chdir(tmp_path / "project")
    return folder


@pytest.fixture
def cellmill() -> Call:
    def call(*arguments: str) -> Result:
        from cellmill.cli import main

        return CliRunner().invoke(main, list(arguments))

    return call


def declare(folder: Path, **settings: Any) -> None:
    settings = {"parameters": {"n": {"type": "int", "default": 2, "minimum": 1}}} | settings
    (folder / "cellmill.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def calls(text: str, function: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]


def keywords(call: ast.Call) -> dict[str, str]:
    return {one.arg: ast.unparse(one.value) for one in call.keywords if one.arg is not None}


def test_a_dag_for_each_schedule_has_a_task_for_each_step(churn: Path, cellmill: Call) -> None:
    hourly = {"name": "hourly", "every": "1h", "timezone": "Asia/Kolkata", "enabled": False, "pool": "small"}
    retried = {"retries": 2, "retry_delay": "1m", "timeout": "10m", "misfire": "once", "parameters": {"n": 5}}
    declare(churn, schedule=[NIGHTLY | retried, hourly], steps={"fit": {"timeout": 60, "retries": 1, "cpus": 4}})

    done = cellmill("export", "airflow", "churn")

    assert done.exit_code == 0, done.output
    assert "Wrote dags/churn_dag.py: churn__nightly, churn__hourly." in done.output
    text = Path("dags/churn_dag.py").read_text()
    nightly, hourly_dag = (keywords(call) for call in calls(text, "DAG"))
    assert nightly["dag_id"] == "'churn__nightly'"
    assert "CronTriggerTimetable('0 3 * * *', timezone='Europe/Berlin'" in nightly["schedule"]
    assert nightly["catchup"] == "False"
    # Three attempts of ten minutes, one and two minutes between them.
    assert nightly["dagrun_timeout"] == "timedelta(seconds=1980)"
    assert "'retries': 2, 'retry_delay': timedelta(seconds=60)" in nightly["default_args"]
    assert nightly["params"] == "{'n': Param(5, type='integer', minimum=1.0)}"
    # What is not enabled is started by hand only.
    assert hourly_dag["schedule"] == "None"
    assert "'pool': 'small'" in hourly_dag["default_args"]
    assert "the pool small has to be made in Airflow" in done.output
    steps = [keywords(call) for call in calls(text, "CellmillStep")]
    assert [step["task_id"] for step in steps] == ["'load'", "'fit'", "'report'"] * 2
    assert steps[1]["takes_from"] == "('load',)"
    assert steps[1]["execution_timeout"] == "timedelta(seconds=420)"
    assert steps[2]["takes_from"] == "('load', 'fit')"
    assert 'steps["load"], steps["fit"]] >> steps["report"]' in text
    assert "# Airflow reserves nothing of what it asks for (cpus 4)" in text


def test_without_a_schedule_runs_are_started_by_hand(churn: Path, cellmill: Call) -> None:
    declare(churn)
    assert cellmill("export", "airflow", "churn").exit_code == 0
    (dag,) = calls(Path("dags/churn_dag.py").read_text(), "DAG")
    assert keywords(dag)["dag_id"] == "'churn'"
    assert keywords(dag)["schedule"] == "None"


def test_the_same_pipeline_gives_the_same_bytes_wherever_it_lies(
    churn: Path, cellmill: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cellmill("export", "airflow", "churn").exit_code == 0
    first = Path("dags/churn_dag.py").read_bytes()
    shutil.copytree(tmp_path / "project", tmp_path / "elsewhere/deep", ignore=shutil.ignore_patterns("dags"))
    monkeypatch.chdir(tmp_path / "elsewhere/deep")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert cellmill("export", "airflow", "pipelines/churn").exit_code == 0
    assert Path("dags/churn_dag.py").read_bytes() == first
    assert os.fsencode(tmp_path) not in first


def test_it_imports_airflow_and_what_python_has_and_no_texts_become_code(churn: Path, cellmill: Call) -> None:
    parameters = {"n": {"type": "int", "default": 2}, "word": {"type": "str", "default": "x", "description": HOSTILE}}
    declare(churn, parameters=parameters, schedule=[NIGHTLY | {"parameters": {"word": HOSTILE.replace("{", "(")}}])
    (churn / "env.yaml").write_text("n: 2\nword: x\n")
    tasks = yaml.safe_load((churn / "pipeline.yaml").read_text())
    tasks["tasks"][0]["params"]["word"] = "{{word}}"
    (churn / "pipeline.yaml").write_text(yaml.safe_dump(tasks))

    done = cellmill("export", "airflow", "churn")

    assert done.exit_code == 0, done.output
    text = Path("dags/churn_dag.py").read_text()
    (word,) = [call for call in calls(text, "Param") if len(call.keywords) == 2]
    assert ast.literal_eval(word.args[0]) == HOSTILE.replace("{", "(")
    assert ast.literal_eval({one.arg: one.value for one in word.keywords}["description"]) == HOSTILE
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.parse(text).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "airflow.sdk",
        "airflow.sdk.exceptions",
    }
    assert "shell=True" not in text


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"cron": None, "on_file": "data/*.csv"}, "Airflow has no on_file"),
        ({"cron": None, "after": "other"}, "Airflow does not see the runs that `after` waits for"),
        ({"timezone": None}, "it names no timezone"),
        ({"cron": "0 0 3 * * *"}, "Airflow has no seconds"),
        ({"cron": "0 0 * * 5L"}, "does not know the last weekday"),
        ({"cron": "0 0 LW * *"}, "does not know the last weekday"),
        ({"cron": "0 0 */2 * 1"}, "with OR, cron with AND"),
        ({"cron": None, "every": "90m"}, "can't say every 1h30m"),
        ({"cron": None, "every": "20s"}, "can't say every 20s"),
        ({"misfire": "all"}, "say it with --start"),
        ({"parameters": {"n": 0}}, "parameter n takes an int of at least 1"),
        ({"parameters": {"m": 1}}, "there is no parameter m"),
        ({"env": "prod"}, "there is no profile prod"),
    ],
)
def test_what_airflow_cannot_express_is_refused_in_a_sentence(
    settings: dict[str, Any], sentence: str, churn: Path, cellmill: Call
) -> None:
    one = {name: value for name, value in (NIGHTLY | settings).items() if value is not None}
    declare(churn, schedule=[one])
    done = cellmill("export", "airflow", "churn")
    assert done.exit_code == 1
    assert sentence in done.output
    assert done.output.count("\n") == 1
    assert not Path("dags").exists()


def test_the_others_are_exported_without_it(churn: Path, cellmill: Call) -> None:
    declare(churn, schedule=[NIGHTLY, {"name": "arrived", "on_file": "*.csv"}])
    assert cellmill("export", "airflow", "churn").exit_code == 1
    done = cellmill("export", "airflow", "churn", "--schedule", "nightly", "-o", "../dags")
    assert done.exit_code == 0, done.output
    text = Path("../dags/churn_dag.py").read_text()
    assert len(calls(text, "DAG")) == 1
    # Outside of the project, nothing is known of where that will be.
    assert "PROJECT = None" in text


def test_names_and_numbers_that_airflow_does_not_take_are_refused(churn: Path, cellmill: Call) -> None:
    declare(churn, parameters={"n": {"type": "float", "default": float("inf"), "finite": False}})
    (churn / "env.yaml").write_text(yaml.safe_dump({"n": encode(float("inf"))}))
    assert "which has no inf" in cellmill("export", "airflow", "churn").output
    assert "there is no schedule dayly" in cellmill("export", "airflow", "churn", "--schedule", "dayly").output
    churn.rename(churn.with_name("churn (new)"))
    assert "the pipeline's name is none for Airflow" in cellmill("export", "airflow", "churn (new)").output


def test_missed_times_are_made_up_for_from_the_day_that_is_said_once(churn: Path, cellmill: Call) -> None:
    declare(churn, schedule=[NIGHTLY | {"misfire": "all"}])
    assert cellmill("export", "airflow", "churn", "--start", "2026-12-01").exit_code == 0
    (dag,) = calls(Path("dags/churn_dag.py").read_text(), "DAG")
    assert keywords(dag)["catchup"] == "True"
    assert keywords(dag)["start_date"] == "datetime(2026, 12, 1, tzinfo=ZoneInfo('Europe/Berlin'))"
    assert cellmill("export", "airflow", "churn", "--check").exit_code == 0


def test_an_edit_is_never_written_over_unless_that_is_wanted(churn: Path, cellmill: Call) -> None:
    assert cellmill("export", "airflow", "churn", "--check").exit_code == 1
    assert cellmill("export", "airflow", "churn").exit_code == 0
    assert "Unchanged: dags/churn_dag.py" in cellmill("export", "airflow", "churn").output
    path = Path("dags/churn_dag.py")
    written = path.read_text()
    edited = written.replace('tags=["cellmill"]', 'tags=["cellmill", "mine"]')
    path.write_text(edited)

    # An edit alone is no drift: the pipeline is what it was.
    assert cellmill("export", "airflow", "churn", "--check").exit_code == 0
    done = cellmill("export", "airflow", "churn")
    assert done.exit_code == 1
    assert done.output.startswith("Error: dags/churn_dag.py: was edited since it was exported; --diff shows")
    assert path.read_text() == edited
    assert '-    tags=["cellmill", "mine"],' in cellmill("export", "airflow", "churn", "--diff").output

    declare(churn, schedule=[NIGHTLY | {"cron": "0 4 * * *"}])
    done = cellmill("export", "airflow", "churn", "--check")
    assert done.exit_code == 1
    assert "dags/churn_dag.py is edited and outdated." in done.output
    assert cellmill("export", "airflow", "churn", "--force").exit_code == 0
    assert '"0 4 * * *"' in path.read_text()

    path.write_text("# mine\n")
    assert "was not written by `cellmill export`" in cellmill("export", "airflow", "churn").output
    assert path.read_text() == "# mine\n"


def test_no_two_pipelines_take_each_others_file_or_dag(churn: Path, cellmill: Call) -> None:
    assert cellmill("export", "airflow", "churn").exit_code == 0
    shutil.copytree(churn, "other/churn")
    done = cellmill("export", "airflow", "other/churn")
    assert 'is the export of another pipeline, "pipelines/churn"' in done.output
    shutil.copytree(churn, churn.with_name("churn__nightly"))
    declare(churn.with_name("churn__nightly"))
    done = cellmill("export", "airflow", "churn__nightly")
    assert "dags/churn_dag.py: holds a DAG churn__nightly as well" in done.output


def test_a_step_is_refused_once_the_pipeline_is_another_than_was_exported(churn: Path, cellmill: Call) -> None:
    def run() -> str:
        text = Path("dags/churn_dag.py").read_text()
        exported = next(line for line in text.splitlines() if line.startswith("EXPORTED = "))
        digest = ast.literal_eval(exported.partition(" = ")[2])
        return cellmill("run", "churn", "--only", "load", "--dry-run", "--exported-as", digest).output

    cellmill("export", "airflow", "churn")
    assert "load: would run" in run()
    # Code and comments are none of it.
    load = churn / "tasks/load.py"
    load.write_text(load.read_text() + "print(2)\n")
    (churn / "env.yaml").write_text("# the default\nn: 2\n")
    assert "load: would run" in run()
    for name, old, new in (("env.yaml", "2", "3"), ("tasks/fit.py", "['load']", "None")):
        before = (churn / name).read_text()
        (churn / name).write_text(before.replace(old, new))
        assert "have changed since its Airflow DAG was written; type `cellmill export airflow" in run()
        (churn / name).write_text(before)
    assert "load: would run" in run()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
@pytest.mark.parametrize("every", ["1m", "15m", "20m", "1h", "2h", "8h", "1d"])
def test_an_interval_is_due_at_the_same_times_as_its_cron(every: str, zone: str) -> None:
    settings = ScheduleSettings.model_validate({"name": "x", "every": every, "timezone": zone})
    timing = airflow_timing(settings)
    # In March, as clocks change in it.
    begin = datetime(2026, 3, 27, 12, 34, 56, tzinfo=UTC)
    assert isinstance(settings.trigger, Every)
    expected = list(islice(settings.trigger.times(begin), 100))
    given = list(islice(Cron(timing.cron, ZoneInfo(timing.timezone)).times(begin), 100))
    assert given == expected


def test_it_says_where_clocks_change_at_a_time_of_the_schedule(churn: Path, cellmill: Call) -> None:
    declare(churn, schedule=[NIGHTLY | {"cron": "30 2 * * *"}])
    done = cellmill("export", "airflow", "churn")
    assert "clocks change on" in done.output
    assert "clocks" not in Path("dags/churn_dag.py").read_text()
    declare(churn, schedule=[NIGHTLY | {"cron": "30 12 * * *"}])
    assert "clocks change" not in cellmill("export", "airflow", "churn").output
