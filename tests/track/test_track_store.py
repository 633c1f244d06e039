"""Which store a project's runs go to, and how fast one that can't be used is noticed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cellmill.track.store import Store, connect, find_experiment, find_store, local_store, probe


@pytest.mark.parametrize(
    "given, uri, artifacts",
    [
        (None, "sqlite:////project/mlflow.db", "/project/mlartifacts"),
        ("  ", "sqlite:////project/mlflow.db", "/project/mlartifacts"),
        ("sqlite:///runs.db", "sqlite:///{here}/runs.db", "{here}/mlartifacts"),
        ("sqlite:////data/runs.db", "sqlite:////data/runs.db", "/data/mlartifacts"),
        ("./mlruns", "file://{here}/mlruns", None),
        ("file:mlruns", "file://{here}/mlruns", None),
        ("file:///data/mlruns", "file:///data/mlruns", None),
        ("http://server:5000", "http://server:5000", None),
        ("postgresql+psycopg2://me@db/runs", "postgresql+psycopg2://me@db/runs", "/project/mlartifacts"),
        ("databricks", "databricks", None),
        ("databricks://profile", "databricks://profile", None),
    ],
)
def test_the_users_variable_wins_and_is_made_absolute(
    given: str | None, uri: str, artifacts: str | None, elsewhere: Path
) -> None:
    store = find_store(Path("/project"), {} if given is None else {"MLFLOW_TRACKING_URI": given})
    assert store.uri == uri.format(here=elsewhere)
    assert str(store.artifacts) == str(artifacts).format(here=elsewhere)


def test_a_password_is_not_shown() -> None:
    assert Store("https://me:secret@server:5000/path").label == "https://server:5000/path"


def test_folders_with_odd_names_hold_their_own_store(tmp_path: Path, elsewhere: Path) -> None:
    folder = tmp_path / "a b é%20#x?y"
    folder.mkdir()
    store = local_store(folder)
    client = connect(store)
    experiment_id, _ = find_experiment(client, store, "first")
    run = client.create_run(experiment_id)
    client.log_text(run.info.run_id, "x", "x.txt")
    assert {path.name for path in folder.iterdir()} == {"mlflow.db", "mlartifacts"}
    assert list((folder / "mlartifacts").rglob("x.txt"))
    assert find_store(folder, {"MLFLOW_TRACKING_URI": store.uri}) == store
    assert [*elsewhere.iterdir()] == []


@contextmanager
def listener(answer: bytes | None) -> Iterator[Store]:
    """Something that takes connections: it gives one answer to all, or none ever."""
    door = socket.create_server(("127.0.0.1", 0))
    held = []

    def serve() -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            held.append(client)
            if answer is not None:
                client.recv(65536)
                client.sendall(answer)
                client.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Store(f"http://127.0.0.1:{door.getsockname()[1]}")
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join()
        for client in held:
            client.close()


@pytest.mark.parametrize(
    "answer, why",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK", None),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", None),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "HTTP 503"),
        (None, "no answer in time"),
    ],
)
def test_a_server_is_asked_before_it_is_used(answer: bytes | None, why: str | None) -> None:
    began = time.monotonic()
    with listener(answer) as store:
        assert probe(store, timeout=0.5) == why
    assert time.monotonic() - began < 30


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    assert probe(Store("http://127.0.0.1:1")) == "connection refused"
    assert probe(Store("http://no-such-host.invalid")) == "no such host"
