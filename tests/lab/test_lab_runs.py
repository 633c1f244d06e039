"""Runs from Lab: real ones, which go on without browser and server, and tell the truth about how they ended."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from cellmill.promote import make_plan, write_plan
from cellmill.run import RunLog
from cellmill.run.events import Event


def _promote(lab: Any, name: str, cells: Any) -> str:
    lab.write_notebook(f"notebooks/{name}.ipynb", cells)
    status, answer = lab.post("promotion", {"path": f"notebooks/{name}.ipynb", "force": True})
    assert status == 200, answer
    return str(answer["folder"])


def _states(run: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["state"] for task in run["tasks"]}


@pytest.fixture(scope="module")
def churn(lab: Any, cells: Any) -> str:
    return _promote(lab, "churn", cells)


@pytest.fixture(scope="module")
def others(lab: Any, cells: Any) -> dict[str, str]:
    """Runs that are started together and looked at one after the other: id by what becomes of them."""
    wanted = {
        "stopped": {"parameters": {"pause": 60}},
        "lost": {"parameters": {"pause": 60}},
        "refused": {"only": "train"},
        "verified": {"kind": "verify"},
    }
    started = {}
    for name, request in wanted.items():
        told = [("n = 3\npause = 0.0", ["parameters"]), *cells[2:]]
        status, run = lab.post("runs", {"pipeline": _promote(lab, name, told), **request})
        assert (status, run["state"]) == (201, "running")
        started[name] = run["run_id"]
    return started


def test_a_run_from_its_start_to_its_end(lab: Any, churn: str, others: dict[str, str]) -> None:
    stream = lab.listen()
    assert next(iter(stream))[0] == "hello"

    status, run = lab.post("runs", {"pipeline": churn, "parameters": {"n": "4"}})
    assert (status, run["state"], run["source"], run["parameters"]["n"]) == (201, "running", "lab", 4)
    assert _states(run) == {"load": "waiting", "train": "waiting"}
    mine = [data for event, data in _until_over(stream, run["run_id"]) if data["run_id"] == run["run_id"]]
    stream.close()

    assert [one["state"] for one in mine] == ["running"] * (len(mine) - 1) + ["succeeded"]
    assert len(mine) >= 3
    done = lab.until(run["run_id"], lambda one: one["mlflow"])
    assert _states(done) == {"load": "done", "train": "done"}
    assert done["mlflow"]["experiment"] == "churn"
    assert done["mlflow"]["ui_command"].startswith("mlflow ui --backend-store-uri")
    assert (lab.root / done["tasks"][1]["notebook"]).is_file()
    assert (lab.root / done["tasks"][1]["report"]).is_file()
    assert "Succeeded in" in lab.get(f"runs/{run['run_id']}/log?lines=20")[1]["text"]
    events = lab.get(f"runs/{run['run_id']}/events")[1]["events"]
    assert [one["seq"] for one in events] == list(range(1, done["seq"] + 1))
    assert lab.get(f"runs/{run['run_id']}/events?after={done['seq'] - 1}")[1]["events"] == events[-1:]
    assert lab.get(f"runs?pipeline={churn}&limit=1")[1]["runs"][0]["run_id"] == run["run_id"]
    assert lab.get(f"pipelines/{churn}")[1]["last_run"]["run_id"] == run["run_id"]


def _until_over(stream: Any, run_id: str) -> Any:
    for event, data in stream:
        if event == "run":
            yield event, data
            if data["run_id"] == run_id and data["state"] != "running":
                return


def test_the_newest_run_comes_first(lab: Any, others: dict[str, str]) -> None:
    started = [one["started"] for one in lab.get("runs?limit=100")[1]["runs"]]

    assert len(started) >= len(others)
    assert started == sorted(started, reverse=True)


def test_a_second_run_waits_for_its_turn(lab: Any, others: dict[str, str]) -> None:
    pipeline = "pipelines/stopped"
    lab.until(others["stopped"], lambda one: _states(one)["load"] == "running")

    status, refused = lab.post("runs", {"pipeline": pipeline})

    assert (status, refused["reason"]) == (409, "running")
    assert refused["message"] == "Another run of stopped goes on; wait until it has ended or stop it."


def test_a_run_that_is_stopped(lab: Any, others: dict[str, str]) -> None:
    lab.until(others["stopped"], lambda one: one["tasks"][0]["cell"] == 4)

    assert lab.post(f"runs/{others['stopped']}/stop")[0] == 200

    run = lab.until(others["stopped"], lambda one: one["state"] != "running")
    assert run["state"] == "stopped"
    assert _states(run) == {"load": "stopped", "train": "not-run"}
    assert run["message"].endswith("stopped; the next run goes on from here.")
    assert lab.post(f"runs/{others['stopped']}/stop")[1]["state"] == "stopped"


def test_a_run_that_is_stopped_before_it_has_begun(lab: Any, cells: Any) -> None:
    run_id = lab.post("runs", {"pipeline": _promote(lab, "hasty", cells)})[1]["run_id"]
    assert lab.post(f"runs/{run_id}/stop")[0] == 200

    run = lab.until(run_id, lambda one: one["state"] != "running")

    assert run["state"] == "stopped"
    assert set(_states(run).values()) == {"not-run"}


def test_a_run_whose_process_is_gone_is_lost(lab: Any, others: dict[str, str]) -> None:
    lab.until(others["lost"], lambda one: _states(one)["load"] == "running")
    record = lab.root / ".cellmill" / "runs" / others["lost"]

    os.kill(json.loads((record / "run.json").read_text())["pid"], signal.SIGKILL)

    run = lab.until(others["lost"], lambda one: one["state"] != "running", seconds=20)
    assert run["state"] == "lost"
    assert _states(run) == {"load": "stopped", "train": "not-run"}
    assert run["message"].startswith("The process ended without a word (its last line: ")


def test_a_run_that_can_not_start_says_why(lab: Any, others: dict[str, str]) -> None:
    run = lab.until(others["refused"], lambda one: one["state"] != "running")

    assert run["state"] == "refused"
    assert "step train needs what step load makes, and that is not there" in run["message"]


def test_a_verification_is_a_run_with_a_verdict(lab: Any, others: dict[str, str]) -> None:
    run = lab.until(others["verified"], lambda one: one["state"] != "running")

    assert (run["kind"], run["state"]) == ("verify", "succeeded")
    assert "show the same in the pipeline" in run["message"]
    assert _states(run) == {"load": "done", "train": "done"}


def test_a_run_that_fails_leads_to_the_source_cell(lab: Any, churn: str) -> None:
    run_id = lab.post("runs", {"pipeline": churn, "parameters": {"n": 60}})[1]["run_id"]
    run = lab.until(run_id, lambda one: one["state"] != "running")

    assert run["state"] == "failed"
    failure = run["tasks"][1]["failure"]
    assert (failure["kind"], failure["notebook"], failure["cell"]) == ("check", "notebooks/churn.ipynb", 6)
    assert failure["cell_id"] == "cell5"
    assert "AssertionError" in failure["traceback"]
    assert (lab.root / failure["executed"]).is_file()
    assert run["message"].startswith("notebooks/churn.ipynb, cell 6")
    (listed,) = (one for one in lab.get("runs")[1]["runs"] if one["run_id"] == run_id)
    assert listed["tasks"][1]["failure"]["traceback"] == ""

    # Again what failed, with the same values; what that would be is told before.
    status, told = lab.post("runs/expected", {"pipeline": churn, "repair": True})
    assert status == 200, told
    assert [(task["name"], task["state"]) for task in told["tasks"]] == [("load", "not-asked"), ("train", "would-run")]
    assert told["tasks"][1]["reasons"] == ["no finished run of it is recorded"]
    assert lab.post("runs/expected", {"pipeline": churn, "only": "lod"})[0] == 400
    status, again = lab.post("runs", {"pipeline": churn, "repair": True})
    assert (status, again["command"][-1], again["parameters"]["n"]) == (201, "--repair", 60)
    repaired = lab.until(again["run_id"], lambda one: one["state"] != "running")
    assert _states(repaired) == {"load": "not-run", "train": "failed"}
    assert repaired["tasks"][1]["reasons"] == ["no finished run of it is recorded"]


@pytest.mark.parametrize(
    "request_, told",
    [
        ({"parameters": {"n": "x"}}, "parameter n takes an int, not x."),
        ({"parameters": {"n": 1.5}}, "parameter n takes an int, not 1.5."),
        ({"parameters": {"m": 1}}, "there is no parameter m"),
        ({"parameters": {"pause": "nan"}}, "parameter pause takes a float, not nan"),
        ({"repair": True, "parameters": {"n": 1}}, "--repair goes with no other choice"),
        ({"skip": ["trian"]}, "There is no step trian; did you mean train?"),
        ({"profile": "tset"}, "there is no profile tset; did you mean test?"),
        ({"only": "lod"}, "There is no step lod; did you mean load?"),
        ({"only": "load", "from": "load"}, "only and from exclude each other; use one of them."),
        ({"kind": "verify", "parameters": {"n": 1}}, "kind: verifying takes no parameters"),
        ({"forse": True}, "forse: there is no such field."),
    ],
)
def test_what_can_not_run_is_refused_at_once(lab: Any, churn: str, request_: dict[str, Any], told: str) -> None:
    before = len(lab.get("runs")[1]["runs"])

    status, answer = lab.post("runs", {"pipeline": churn, **request_})

    assert status == 400
    assert told in answer["message"]
    assert len(lab.get("runs")[1]["runs"]) == before


def test_there_is_no_such_pipeline_or_run(lab: Any) -> None:
    assert lab.post("runs", {"pipeline": "notebooks"})[0] == 404
    assert lab.get("runs/20260101-000000-abcd")[0] == 404
    assert lab.post("runs/20260101-000000-abcd/stop")[0] == 404


def test_a_run_from_a_terminal_shows_up(lab: Any, churn: str) -> None:
    folder = lab.root / churn
    stream = lab.listen()
    next(iter(stream))
    started = {"pipeline": "churn", "folder": str(folder), "tasks": ["load"], "parameters": {"n": 1}, "profile": None}

    with RunLog(folder, source="cli") as log:
        log(Event("run-started", data={"run_id": log.run_id, **started}))
        log(Event("task-started", "load", {"attempt": 1, "parameters": {}}))
        going = stream.wait_for("run", lambda run: run["run_id"] == log.run_id and run["seq"] == 2)
        assert (going["state"], going["source"], _states(going)) == ("running", "cli", {"load": "running"})
        log(
            Event(
                "task-finished", "load", {"seconds": 1.0, "notebook": "/etc/passwd", "metrics": {"auc": float("nan")}}
            )
        )
        log(Event("run-finished", data={"state": "succeeded", "seconds": 1.0}))
    over = stream.wait_for("run", lambda run: run["run_id"] == log.run_id and run["state"] == "succeeded")
    stream.close()

    told = lab.get(f"runs/{log.run_id}/log")[1]["text"]
    assert told == "churn: 1 step, n=1\n[1/1] load: started\n[1/1] load: done in 1.0 s\n"
    assert over["tasks"][0]["metrics"] == {"auc": "nan"}
    assert over["tasks"][0]["notebook"] is None


def test_a_hostile_record_harms_nobody(lab: Any, churn: str) -> None:
    runs = lab.root / ".cellmill" / "runs"
    header = {"pipeline": str(lab.root / churn), "pid": os.getpid(), "kind": [], "parameters": 3, "started": "x"}
    records = {
        "20260101-000000-0001": (b"[]", b""),
        "20260101-000000-0002": (json.dumps(header).encode(), b'{"kind": "run-started", "data": 7}\nnonsense\n[]\n'),
        "20260101-000000-0003": (json.dumps({**header, "pipeline": "/etc"}).encode(), b""),
        "20260101-000000-0004": (b"\xff", b"\xff"),
        "../outside": (b"{}", b""),
    }
    for name, (first, events) in records.items():
        (runs / name).mkdir(exist_ok=True, parents=True)
        (runs / name / "run.json").write_bytes(first)
        (runs / name / "events.jsonl").write_bytes(events)

    listed = {run["run_id"]: run for run in lab.get("runs?limit=1000")[1]["runs"]}

    assert records.keys() & listed.keys() == {"20260101-000000-0002"}
    # Its number is that of this test, which would be interrupted.
    assert lab.post("runs/20260101-000000-0002/stop")[1]["state"] == "lost"


def test_a_promotion_is_told_to_who_listens(lab: Any, cells: Any) -> None:
    stream = lab.listen()
    next(iter(stream))
    time.sleep(1)

    _promote(lab, "brand_new", cells)

    assert stream.wait_for("pipelines") == {}
    stream.close()


def test_a_promotion_from_a_terminal_is_told_soon(lab: Any, churn: str, cells: Any) -> None:
    stream = lab.listen()
    next(iter(stream))
    lab.write_notebook("notebooks/from_a_cell.ipynb", cells)
    plan = make_plan(lab.root / "notebooks" / "from_a_cell.ipynb")
    # The folders are looked through when somebody begins to listen, and then only every quarter of a minute.
    time.sleep(1.5)

    began = time.monotonic()
    write_plan(plan)

    assert stream.wait_for("pipelines") == {}
    assert time.monotonic() - began < 8
    stream.close()


def test_a_run_outlives_the_server(own_lab: Any, cells: Any) -> None:
    folder = _promote(own_lab, "churn", cells)
    run_id = own_lab.post("runs", {"pipeline": folder, "parameters": {"pause": 3}})[1]["run_id"]
    own_lab.until(run_id, lambda one: _states(one)["load"] == "running")
    (worker,) = own_lab.workers()

    own_lab.stop(signal.SIGKILL)
    own_lab.start()

    stream = own_lab.listen()
    assert next(iter(stream))[0] == "hello"
    assert stream.wait_for("run", lambda run: run["run_id"] == run_id)["state"] == "running"
    stream.wait_for("run", lambda run: run["state"] == "succeeded")
    stream.close()
    assert not Path(f"/proc/{worker}").exists(), "the worker outlived its server"


SWEPT = [
    ("strength: float = 1.0\nkind: str = 'square'\npause = 0.0", ["parameters"]),
    ("import time\nrows = [1, 2, 3]", ["step:load"]),
    (
        "time.sleep(pause)\nif strength == 3:\n    raise ValueError('too strong')\n"
        "loss = sum(strength * row for row in rows)\n%metric loss loss",
        ["step:judge"],
    ),
]


@pytest.fixture(scope="module")
def swept(lab: Any) -> str:
    return _promote(lab, "swept", SWEPT)


@pytest.mark.parametrize(
    "values, told",
    [
        ({"strength": "1, 2,3", "kind": "'a, b',c"}, {"counts": {"strength": 3, "kind": 2}, "combinations": 6}),
        ({"strength": "1, two"}, {"problems": {"strength": "Parameter strength takes a float, not two."}}),
        ({"strength": "1, 1.0"}, {"problems": {"strength": "Parameter strength: the value 1.0 is given twice."}}),
        ({"kind": ",".join(map(str, range(101))), "strength": ",".join(map(str, range(100)))}, {"combinations": 0}),
    ],
)
def test_what_a_sweep_would_try_is_counted_before_it_starts(
    lab: Any, swept: str, values: dict[str, str], told: dict[str, Any]
) -> None:
    status, answer = lab.post("sweeps/check", {"pipeline": swept, "sweep": {"values": values}})

    assert status == 200
    assert {name: answer[name] for name in told} == told
    assert (answer["problem"] is not None) == (answer["combinations"] == 0)


def test_a_sweep_from_its_start_to_its_table(lab: Any, swept: str) -> None:
    sweep = {"values": {"strength": "2,1,3"}, "metric": "loss", "direction": "minimize"}
    status, run = lab.post("runs", {"pipeline": swept, "kind": "sweep", "sweep": sweep})
    assert (status, run["kind"], run["state"], run["parameters"]["strength"]) == (201, "sweep", "running", [2, 1, 3])
    assert run["command"][3:] == ["-p", "strength=2,1,3", "--metric", "loss", "--minimize"]

    done = lab.until(run["run_id"], lambda one: one["mlflow"])

    told = done["sweep"]
    assert (done["state"], told["best"], told["value"]) == ("failed", "strength=1.0", 6)
    assert [(one["label"], one["state"], one["metrics"]) for one in told["combinations"]] == [
        ("strength=2.0", "done", {"loss": 12.0}),
        ("strength=1.0", "done", {"loss": 6.0}),
        ("strength=3.0", "failed", {}),
    ]
    assert "too strong" in told["combinations"][2]["failure"]
    assert (lab.root / told["page"]).is_file()


def test_a_sweep_is_stopped_like_a_run(lab: Any, swept: str) -> None:
    sweep = {"values": {"pause": "60,61"}}
    run_id = lab.post("runs", {"pipeline": swept, "kind": "sweep", "sweep": sweep})[1]["run_id"]
    going = lab.until(run_id, lambda one: one["sweep"] and one["sweep"]["combinations"][0]["running"])
    assert going["sweep"]["combinations"][0]["state"] == "running"

    assert lab.post(f"runs/{run_id}/stop")[0] == 200

    run = lab.until(run_id, lambda one: one["state"] != "running")
    assert run["state"] == "stopped"
    states = [one["state"] for one in run["sweep"]["combinations"]]
    # The second one may just have begun, too.
    assert states[0] == "stopped"
    assert states[1] in ("stopped", "not-run")


@pytest.mark.parametrize(
    "request_, told",
    [
        ({"sweep": None}, "sweep: a run of the kind sweep has it, and no other."),
        ({"sweep": {"values": {}}}, "sweep.values: give a parameter the values to try, such as 0.1, 0.2."),
        ({"sweep": {"values": {"strenght": "1,2"}}}, "There is no parameter strenght"),
        ({"sweep": {"values": {"strength": "1,"}}}, "Parameter strength: there is an empty value in '1,'."),
        ({"sweep": {"values": {"strength": "1,2"}, "metric": "loss"}}, "the best loss is the lowest or the highest"),
        ({"sweep": {"values": {"strength": "1,2"}}, "force": True}, "a sweep takes its values and a profile"),
    ],
)
def test_a_sweep_that_can_not_run_is_refused_at_once(lab: Any, swept: str, request_: dict[str, Any], told: str) -> None:
    status, answer = lab.post("runs", {"pipeline": swept, "kind": "sweep", **request_})

    assert status == 400
    assert told in answer["message"]
