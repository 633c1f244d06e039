"""A real Jupyter server with cellmill's extension in a folder of its own; each answer is held to openapi.yaml."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import requests
import yaml
from jsonschema import Draft202012Validator

import cellmill.lab

TOKEN = "a-token-for-tests"
API = "/cellmill/api/"
DESCRIPTION = yaml.safe_load(Path(cellmill.lab.__file__).with_name("openapi.yaml").read_text())

Cells = list[tuple[str, list[str]]]
CELLS: Cells = [
    ("# Churn", []),
    ("n: int = 3\npause = 0.0", ["parameters"]),
    ("import time\n\n\ndef double(x):\n    return 2 * x", ["shared"]),
    ("time.sleep(pause)\nxs = list(range(n))", ["step:load"]),
    ("total = double(sum(xs))\ntotal", ["step:train"]),
    ("assert total < 100, 'too much'", ["check:train"]),
]


def as_body(path: str, cells: Cells = CELLS) -> dict[str, Any]:
    """The notebook as the editor sends it."""
    return {
        "path": path,
        "cells": [
            {"id": f"cell{at}", "type": "markdown" if text.startswith("# ") else "code", "source": text, "tags": tags}
            for at, (text, tags) in enumerate(cells)
        ],
    }


class Server:
    """A Jupyter server as a process, and a browser's way to ask it."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.options = options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"token {TOKEN}"
        self.log = root.parent / f"{root.name}.log"
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={self.port}"]
        words += [
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={TOKEN}",
            "--ServerApp.port_retries=0",
        ]
        wanted = {"cellmill.lab": True}
        unwanted = dict.fromkeys(("ploomber", "ploomber_extension", "jupyter_lsp", "nbclassic", "notebook"), False)
        words += [f"--ServerApp.jpserver_extensions={name}={on}" for name, on in (wanted | unwanted).items()]
        words += self.options
        with self.log.open("a") as log:
            self.process = subprocess.Popen(words, cwd=self.root, stdout=log, stderr=log, env=self._environment())
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if requests.get(f"{self.url}/api", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def _environment(self) -> dict[str, str]:
        home = self.root.parent / "home"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY", "MLFLOW"))},
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_NO_CONFIG": "1",
            "PYTHONPATH": str(home),
        }

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float = 100) -> tuple[int, Any]:
        """Ask, hold the answer to the description, and give status and content."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self.http.request(method, self.url + API + path, data=data, timeout=timeout)
        content = response.json()
        check(method, path.partition("?")[0], response.status_code, content)
        return response.status_code, content

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask("POST", path, {} if body is None else body)

    def get(self, path: str) -> tuple[int, Any]:
        return self.ask("GET", path)

    def until(self, run_id: str, done: Callable[[dict[str, Any]], Any], *, seconds: float = 120) -> dict[str, Any]:
        """Ask for a run until it is as wanted."""
        end = time.monotonic() + seconds
        while True:
            run = self.get(f"runs/{run_id}")[1]
            if done(run):
                return run
            assert time.monotonic() < end, run
            time.sleep(0.1)

    def listen(self) -> Stream:
        return Stream(self.http.get(f"{self.url}{API}events", stream=True, timeout=60))

    def write_notebook(self, path: str, cells: Cells = CELLS) -> Path:
        notebook = nbformat.v4.new_notebook()
        for cell in as_body(path, cells)["cells"]:
            new = nbformat.v4.new_markdown_cell if cell["type"] == "markdown" else nbformat.v4.new_code_cell
            metadata = {"tags": cell["tags"]} if cell["tags"] else {}
            notebook.cells.append(new(cell["source"], id=cell["id"], metadata=metadata))
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, file)
        return file

    def workers(self) -> list[int]:
        """The worker processes of this server."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"cellmill.lab.worker" in words and str(self.root).encode() in words:
                found.append(int(entry.parent.name))
        return found


class Stream:
    """Server-sent events as they come."""

    def __init__(self, response: requests.Response) -> None:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        self.response = response
        self._lines = response.iter_lines(chunk_size=1, decode_unicode=True)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        event = ""
        for line in self._lines:
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                if event == "run":
                    validate({"$ref": "#/components/schemas/Run"}, data)
                yield event, data

    def wait_for(self, wanted: str, done: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        return next(data for event, data in self if event == wanted and done(data))

    def close(self) -> None:
        self.response.close()


def operation(method: str, path: str) -> dict[str, Any] | None:
    """What the description says of a request."""
    for pattern, methods in DESCRIPTION["paths"].items():
        folder = re.sub(r"\\\{folder\\\}", ".+", re.escape(pattern))
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", folder), f"/{path}"):
            return methods.get(method.lower())
    return None


def check(method: str, path: str, status: int, content: Any) -> None:
    """Hold an answer to the description."""
    said = operation(method, path)
    if said is None:
        assert status in (404, 405)
        return
    responses = said["responses"]
    found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    assert found is not None, f"{method} {path}: {status} is not described: {content}"
    if "$ref" in found:
        found = DESCRIPTION["components"]["responses"][found["$ref"].rpartition("/")[2]]
    validate(found["content"]["application/json"]["schema"], content)


def validate(schema: dict[str, Any], content: Any) -> None:
    Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(content)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as it is."""
    root = tmp_path_factory.mktemp("lab") / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text("")
    server = Server(root)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may kill."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text("")
    server = Server(root)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


READERS_ONLY = """
from jupyter_server.auth import Authorizer

class ReadersOnly(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "cellmill" or action == "read"
"""


@pytest.fixture
def readers_lab(tmp_path: Path) -> Iterator[Server]:
    """A server whose users may look and not touch."""
    for name in ("root", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / "readers_only.py").write_text(READERS_ONLY)
    server = Server(tmp_path / "root", "--ServerApp.authorizer_class=readers_only.ReadersOnly")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def body() -> Callable[..., dict[str, Any]]:
    return as_body


@pytest.fixture(scope="session")
def description() -> dict[str, Any]:
    return DESCRIPTION


@pytest.fixture(scope="session")
def cells() -> Cells:
    return CELLS
