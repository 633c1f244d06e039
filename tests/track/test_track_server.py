"""A tracking server that is there, that is not, that goes away in the middle, and what reaches it in the end."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cellmill.track import push_spools
from cellmill.track.recorder import State
from cellmill.track.spool import list_spools

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow_server import Server

    from conftest import Project, Records


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def on_server(server: Server, records: Any, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The server, by the user's variable."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    found: Records = records(server.uri)
    return found


def everything(found: Records, experiment: str = "churn-experiment") -> dict[str, Any]:
    """All that one experiment holds, without what must differ between two stores."""
    content = {}
    for run in found.runs(experiment):
        points = {
            name: [
                (point.value, point.timestamp, point.step)
                for point in found.client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
        }
        outside = ("cellmill.spool.", "mlflow.parentRunId", "mlflow.log-model")
        content[run.info.run_name] = {
            "status": run.info.status,
            "times": (run.info.start_time, run.info.end_time),
            "params": run.data.params,
            "metrics": points,
            "tags": {name: value for name, value in run.data.tags.items() if not name.startswith(outside)},
            "parent": found.parent(run),
            "artifacts": found.artifacts(run),
            "datasets": [entry.dataset.digest for entry in run.inputs.dataset_inputs],
            "models": [found.client.get_logged_model(model.model_id).name for model in run.outputs.model_outputs],
        }
    return content


def text(content: Any) -> str:
    """Written so that it can be compared: nan is not equal to itself, and stores give no order."""
    return json.dumps(content, sort_keys=True)


def test_a_run_goes_to_the_server(project: Project, tell: Any, server: Server, on_server: Records) -> None:
    told = tell("to-server").start(size=1)
    environment = told.task("load")
    told.done("load", notebook=str(project.product("load.ipynb", "executed")))
    told.finish()

    assert environment["MLFLOW_TRACKING_URI"] == server.uri
    assert environment["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0", "the user's own value stays"
    assert int(environment["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 60
    run = on_server.run("churn to-server")
    assert told.recorder.state == State("churn-experiment", run.info.experiment_id, run.info.run_id)
    assert told.notices == []
    loads = [found for found in on_server.runs() if on_server.parent(found) == "churn to-server"]
    assert on_server.artifacts(loads[0])["notebook/load.ipynb"] == "executed"
    assert [path.name for path in project.root.iterdir() if path.name == ".cellmill"] == []


def test_a_server_that_goes_away_in_the_middle_gets_everything_later(
    project: Project, tell: Any, server: Server, on_server: Records, records: Any, cells: Any, tmp_path: Path
) -> None:
    told = tell("cut").start(size=1)
    told.task("load")
    told.done("load", metrics={"rows": 3})
    begun = told.task("clean")["MLFLOW_RUN_ID"]
    server.stop()
    told.done("clean", metrics={"left": 2}, notebook=str(project.product("clean.ipynb", "executed")))
    environment = told.task("train")
    printed = cells(
        environment,
        project.notebooks,
        "import mlflow\nmlflow.log_metric('loss', 3.0, step=1)\nmlflow.log_metric('loss', float('nan'), step=2)",
        "from sklearn.linear_model import LinearRegression\nimport pandas\n"
        "mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({'x': [1.0]}), name='x'), context='training')\n"
        "mlflow.sklearn.log_model(LinearRegression().fit([[1.0]], [1.0]), name='model', pip_requirements=[],"
        " registered_model_name='churn-model')",
        "with mlflow.start_run(run_name='nested', nested=True):\n    mlflow.log_text('deep', 'a/b/c.txt')",
        "with mlflow.start_span('thought') as span:\n    span.set_inputs({'a': 1})",
    )
    told.done("train")
    told.finish()

    assert "Error" not in printed
    assert environment["MLFLOW_TRACKING_URI"].startswith("sqlite:///")
    assert [notice.count("cellmill track push") for notice in told.notices] == [1, 0]
    assert server.uri in told.notices[0]
    assert "went away while clean ran" in told.notices[1]
    assert re.search(r"\((connection refused|the connection broke)\)", told.notices[0])
    assert told.recorder.state.spooled
    (spool,) = list_spools(project.root)
    kept = everything(records(spool.store.uri))
    copy = tmp_path / "copy"
    shutil.copytree(spool.folder, copy)

    began = time.monotonic()
    (sent,) = push_spools(project.root)
    assert sent.problem == f"{server.uri} does not answer (connection refused)"
    assert time.monotonic() - began < 60
    assert list_spools(project.root) == [spool]

    server.start()
    (sent,) = push_spools(project.root)
    assert (sent.problem, list_spools(project.root), spool.folder.exists()) == (None, [], False)
    arrived = everything(on_server)
    assert arrived["clean"]["artifacts"]["notebook/clean.ipynb"] == "executed"
    assert arrived["clean"]["metrics"]["left"][0][0] == 2
    assert [run.info.run_id for run in on_server.runs() if run.info.run_name == "clean"] == [begun]
    assert [arrived[name]["parent"] for name in ("clean", "train", "nested")] == ["churn cut", "churn cut", "train"]
    assert [point[2] for point in arrived["train"]["metrics"]["loss"]] == [1, 2]
    assert arrived["train"]["models"] == ["model"]
    assert text(arrived["nested"]) == text(kept["nested"])
    assert text(arrived["train"]) == text(kept["train"])
    assert arrived["churn cut"]["status"] == "FINISHED"
    models = logged_models(on_server)
    (described,) = (server.folder / "kept").rglob("MLmodel")
    assert f"model_id: {described.parent.parent.name}\n" in described.read_text()
    assert f"run_id: {on_server.run('train').info.run_id}\n" in described.read_text()
    assert models == [("model", on_server.run("train").info.run_id, "READY", "churn-model", 1)]

    # As if the last sending had been interrupted just before it removed the spool, and had lost its own notes.
    copy.rename(spool.folder)
    (sent,) = push_spools(project.root)
    assert sent.problem is None
    assert text(everything(on_server)) == text(arrived)
    assert logged_models(on_server) == models


def logged_models(found: Records) -> list[tuple[str, ...]]:
    """Each logged model with its run, its state, what it is registered as, and how many traces are beside it."""
    client = found.client
    experiment_id = client.get_experiment_by_name("churn-experiment").experiment_id
    versions = {version.source: version.name for version in client.search_model_versions()}
    traces = len(client.search_traces(locations=[experiment_id]))
    return [
        (model.name, model.source_run_id, str(model.status), versions[f"models:/{model.model_id}"], traces)
        for model in client.search_logged_models([experiment_id])
    ]


def test_a_sending_that_is_cut_again_and_again_arrives_whole(
    project: Project, tell: Any, server: Server, on_server: Records, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    told = tell("tries").start(size=1)
    for task in ("one", "two"):
        told.task(task, size=1)
        told.done(task, metrics={"score": 1}, notebook=str(project.product(f"{task}.ipynb", task)))
    told.environment("never ended")
    told.recorder.abandon()
    (spool,) = list_spools(project.root)
    kept = everything(records(spool.store.uri))

    outcomes = []
    gate = Gate(server.port)
    for requests in (4, 9, 16, 25, 36, 10_000):
        with gate.open(requests) as address:
            (sent,) = push_spools(project.root, to=address)
        outcomes.append(sent.problem)
        if sent.problem is None:
            break
    assert len(outcomes) > 3
    assert None not in outcomes[:-1]
    arrived = everything(on_server)
    assert {name: text(arrived[name]) for name in kept} == {name: text(kept[name]) for name in kept}
    assert sorted(kept) == ["churn tries", "never ended", "one", "two"]
    tries = [run.info.run_name for run in on_server.runs() if run.info.run_name in kept]
    assert sorted(tries) == sorted(kept)


def test_a_server_that_hangs_does_not_hold_the_run(
    project: Project, tell: Any, server: Server, on_server: Records
) -> None:
    told = tell("hung").start()
    told.environment("load")
    server.signal(signal.SIGSTOP)
    try:
        time.sleep(1.1)
        began = time.monotonic()
        told.done("load")
        told.task("train")
        told.done("train")
        told.finish()
        assert time.monotonic() - began < 60
    finally:
        server.signal(signal.SIGCONT)
        server.answers()
    assert ["no answer in time" in notice for notice in told.notices] == [True, False]
    assert [sent.problem for sent in push_spools(project.root)] == [None]
    run = on_server.run("churn hung")
    children = [found.info.run_name for found in on_server.runs() if on_server.parent(found) == "churn hung"]
    assert (run.info.status, sorted(children)) == ("FINISHED", ["load", "train"])


def test_a_run_that_goes_on_is_not_sent(
    project: Project, tell: Any, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    told = tell("busy").start()
    told.task("load")
    (sent,) = push_spools(project.root, to=server.uri)
    assert "still going on" in (sent.problem or "")
    told.done("load")
    told.finish()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    later = tell("next").start().finish()
    assert ["1 earlier run waits" in notice for notice in later.notices] == [True]
    assert [sent.problem for sent in push_spools(project.root, to=server.uri)] == [None]


class Gate:
    """A way to the server that lets a number of requests pass and cuts the rest off."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._left = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        # MLflow remembers an artifact folder's address by the run, so the address stays the same.
        self._address = self._door.getsockname()

    @contextmanager
    def open(self, requests: int) -> Iterator[str]:
        self._left = requests
        if self._door.fileno() == -1:
            self._door = socket.create_server(self._address)
        thread = threading.Thread(target=self._serve, args=(self._door,), daemon=True)
        thread.start()
        try:
            yield f"http://{self._address[0]}:{self._address[1]}"
        finally:
            self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            thread.join()

    def _serve(self, door: socket.socket) -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            with client:
                self._exchange(client)

    def _exchange(self, client: socket.socket) -> None:
        """Pass one request and its answer; the connection is closed then, so that the next request is counted."""
        request = self._read_request(client)
        self._left -= 1
        if self._left < 0 or not request:
            return
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        with socket.create_connection(("127.0.0.1", self._port)) as there:
            there.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
            while part := there.recv(65536):
                client.sendall(part)

    @staticmethod
    def _read_request(client: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = client.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        while len(body) < sum(lengths):
            body += client.recv(65536)
        return head + b"\r\n\r\n" + body
