"""The exported file in a real Airflow: imported, scheduled, run to success and to failure."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from real_airflow import Airflow

from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.export.timing import airflow_timing
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.triggers import Cron

LOOK = """
import copy, json, os, sys, warnings
warnings.simplefilter("error", DeprecationWarning)
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
told = {"errors": bag.import_errors, "warnings": [str(one) for one in bag.captured_warnings], "dags": {}}
for dag in bag.dags.values():
    refused = {}
    for given in ({"n": "many"}, {"n": 11}, {"n": None}, {"word": 3}, {"n": 10, "word": "$(id)"}):
        try:
            params = copy.deepcopy(dag.params)
            params.update(given)
            params.validate()
        except Exception as error:
            refused[json.dumps(given)] = type(error).__name__
    told["dags"][dag.dag_id] = {
        "tasks": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
        "retries": [task.retries for task in dag.tasks],
        "limits": [dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(), dag.max_active_runs, dag.catchup],
        "refused": refused,
    }
print(json.dumps(told))
"""

TIMES = """
import json, sys
import pendulum
from airflow.timetables.trigger import CronTriggerTimetable
found = []
for cron, zone in json.loads(sys.argv[1]):
    table = CronTriggerTimetable(cron, timezone=zone)
    table.validate()
    at, end, times = pendulum.datetime(2026, 3, 6), pendulum.datetime(2027, 3, 6), []
    while (at := table._get_next(at)) < end and len(times) < 400:
        times.append(at.timestamp())
    found.append(times)
print(json.dumps(found))
"""
CRONS = (
    *("0 3 * * *", "30 2 * * *", "*/15 * * * *", "5/20 * * * *", "0 */2 * * *", "0 0 1 * 1", "0 9 * * MON-FRI"),
    *("0 0 L * *", "0 0 * * MON#1", "0 0 * * 7", "0 0 * * 5-7", "10-30/5 8-10 * JAN,JUL *", "0 0 31 * *", "@weekly"),
    *("0 22-23,0-3 * * *", "0 0 1-7,L * FRI", "*/7 */5 * * *"),
)
ZONES = ("Europe/Berlin", "America/New_York")


def values_of(airflow: Airflow, step: str) -> dict[str, Any]:
    """The parameters with which a step ran, from its executed notebook."""
    notebook = json.loads((airflow.project / f"pipelines/mill/output/{step}.ipynb").read_text())
    (cell,) = [cell for cell in notebook["cells"] if "injected-parameters" in cell["metadata"].get("tags", ())]
    lines = [node for node in ast.parse("".join(cell["source"])).body if isinstance(node, ast.Assign)]
    return {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in lines}


def test_it_is_imported_with_steps_limits_and_typed_parameters(airflow: Airflow) -> None:
    told = airflow.asked(LOOK)
    assert told["errors"] == {}
    assert told["warnings"] == []
    tasks = {"load": [], "fit": ["load"], "report": ["fit", "load"]}
    refused = {'{"n": "many"}', '{"n": 11}', '{"n": null}', '{"word": 3}'}
    assert told["dags"].keys() == {"mill__nightly", "mill__hourly"}
    for dag in told["dags"].values():
        assert dag["tasks"] == tasks
        assert dag["refused"].keys() == refused
        assert set(dag["refused"].values()) == {"ParamValidationError"}
    # Two attempts of ten minutes, and a second between.
    assert told["dags"]["mill__nightly"]["limits"] == [1201, 1, False]
    assert told["dags"]["mill__nightly"]["retries"] == [1, 1, 1]
    assert told["dags"]["mill__hourly"]["limits"] == [None, 1, True]


def test_airflow_is_due_when_the_schedule_is_but_on_days_of_changed_clocks(airflow: Airflow) -> None:
    begin, end = datetime(2026, 3, 6, tzinfo=UTC), datetime(2027, 3, 6, tzinfo=UTC)
    pairs, expected = [], []
    for cron in CRONS:
        for zone in ZONES:
            settings = ScheduleSettings.model_validate({"name": "x", "cron": cron, "timezone": zone})
            pairs.append((airflow_timing(settings).cron, zone))
            trigger = settings.trigger
            assert isinstance(trigger, Cron)
            expected.append(
                [at.timestamp() for at in takewhile(lambda at: at < end, islice(trigger.times(begin), 400))]
            )

    found = airflow.asked(TIMES, json.dumps(pairs))

    for (cron, zone), airflows, ours in zip(pairs, found, expected, strict=True):
        changes = [at.timestamp() for at in clock_changes(begin, end, ZoneInfo(zone))]
        until = min(airflows[-1], ours[-1])
        differing = {at for at in set(airflows) ^ set(ours) if at <= until}
        # Only near a change: an hour, or a run or two.
        assert all(any(abs(at - change) <= 7200 for change in changes) for at in differing), (cron, zone)
        assert len(differing) <= 2 * len(changes), (cron, zone)


def test_a_run_succeeds_with_typed_parameters_and_is_grouped_in_mlflow(
    airflow: Airflow, tags: Callable[[str], list[str]]
) -> None:
    state, tasks, said = airflow.run("mill__nightly", "2026-03-30T00:30:00+02:00", n=6)

    assert state == "success", said
    assert tasks == {"load": "success", "fit": "success", "report": "success"}
    report = (airflow.project / "pipelines/mill/output/report.ipynb").read_text()
    # The day before on the schedule's clock: in UTC it is still the 29th.
    assert "18 of 2026-03-29 00:30 no" in report
    assert set(tags("cellmill.schedule")) == {"mill/nightly"}
    assert set(tags("cellmill.schedule_due")) == {"2026-03-30T00:30:00+02:00"}
    runs = tags("cellmill.airflow_run")
    assert len(runs) == 3
    assert len(set(runs)) == 1
    assert runs[0].startswith("mill__nightly manual__")


def test_a_failing_step_is_failed_and_what_follows_does_not_run(airflow: Airflow) -> None:
    hostile = "$(touch pwned) `touch pwned` '; touch pwned # \" {{ 7 * 7 }}\n-p n=1"
    state, tasks, said = airflow.run("mill__hourly", "2026-11-20T00:00:00+00:00", n=7, word=hostile)

    assert state == "failed"
    assert tasks == {"load": "success", "fit": "failed", "report": "upstream_failed"}
    assert "The step fit failed: notebooks/mill.ipynb, cell 3, line 2 (step fit): AssertionError: too much" in said
    assert not list(airflow.project.rglob("pwned"))
    assert values_of(airflow, "load")["word"] == hostile


def test_a_step_whose_products_came_from_another_run_fails(airflow: Airflow) -> None:
    state, tasks, said = airflow.run("mill__hourly", "2026-11-20T01:00:00+00:00", meddle=True)

    assert state == "failed"
    assert tasks == {"load": "success", "fit": "failed", "report": "upstream_failed"}
    assert "What load made for this DAG run is not there any more: another run of mill came between" in said


def test_a_pipeline_that_has_changed_since_is_not_run(airflow: Airflow, request: pytest.FixtureRequest) -> None:
    env = airflow.project / "pipelines/mill/env.yaml"
    before = env.read_text()
    request.addfinalizer(lambda: env.write_text(before))
    env.write_text(before.replace("n: 2", "n: 3"))

    state, tasks, said = airflow.run("mill__hourly", "2026-11-20T02:00:00+00:00")

    assert state == "failed"
    assert tasks["load"] == "failed"
    assert "have changed since its Airflow DAG was written" in said
