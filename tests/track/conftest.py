"""A project to track, a real MLflow server that can be taken away and brought back, and real kernels."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from mlflow_server import Server

from cellmill.run.events import Event
from cellmill.track.recorder import Recorder
from cellmill.track.store import connect, find_store, local_store, read_uri


class Project:
    """A project with one promoted pipeline, whose tasks never run here: the tests tell their events."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "pipelines" / "churn"
        self.notebooks = root / "notebooks"
        self.output = self.folder / "output"
        for folder in (self.folder / "tasks", self.notebooks, self.output):
            folder.mkdir(parents=True)
        (root / "pyproject.toml").touch()
        self.notebook = self.notebooks / "churn.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), self.notebook)
        settings = {"notebook": "../../notebooks/churn.ipynb", "experiment": "churn-experiment"}
        (self.folder / "cellmill.yaml").write_text(yaml.safe_dump(settings))
        self.promotion = {
            "format": 1,
            "pipeline": "churn",
            "notebook": "../../notebooks/churn.ipynb",
            "notebook_sha256": "0" * 64,
            "git_commit": "abc",
            "git_dirty": True,
            "versions": {"cellmill": "0.0.1", "nbformat": "5.0.0"},
        }
        (self.folder / ".promotion.json").write_text(json.dumps(self.promotion))

    def product(self, name: str, text: str = "x") -> Path:
        path = self.output / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def task(self, name: str, source: str) -> None:
        (self.folder / "tasks" / f"{name}.py").write_text(source)


class Told:
    """A run that is told moment by moment to the recorder, here in this process."""

    def __init__(self, project: Project, run_id: str = "r1") -> None:
        self.project = project
        self.run_id = run_id
        self.notices: list[str] = []
        self.recorder = Recorder(project.folder, project.root, find_store(project.root), self.notices.append)
        self.take = self.recorder.take
        self.environment = self.recorder.environment

    def start(self, **parameters: Any) -> Told:
        tasks = ["load", "train"]
        data = {"run_id": self.run_id, "pipeline": "churn", "folder": str(self.project.folder), "tasks": tasks}
        self.take(Event("run-started", data={**data, "parameters": parameters, "profile": "test"}))
        return self

    def task(self, name: str, *, attempt: int = 1, **parameters: Any) -> dict[str, str]:
        self.take(Event("task-started", name, {"attempt": attempt, "parameters": parameters}))
        return self.environment(name)

    def done(self, name: str, **data: Any) -> None:
        self.take(Event("task-finished", name, {"seconds": 1.5, **data}))

    def failed(self, name: str, kind: str = "error", **data: Any) -> None:
        self.take(Event("task-failed", name, {"seconds": 1.5, "failure": failure_of(name, kind), **data}))

    def finish(self, state: str = "succeeded") -> Told:
        self.take(Event("run-finished", data={"state": state, "seconds": 3.25}))
        return self


def failure_of(task: str, kind: str = "error") -> dict[str, Any]:
    sentence = f"notebooks/churn.ipynb, cell 4, line 2 (step {task}): ValueError: no rows."
    return {"task": task, "kind": kind, "sentence": sentence, "cell": 4, "traceback": "Traceback: ValueError"}


class Records:
    """What a store holds, by run name."""

    def __init__(self, uri: str, root: Path) -> None:
        self.client = connect(read_uri(uri, root, root))

    def runs(self, experiment: str = "churn-experiment") -> list[Any]:
        found = self.client.get_experiment_by_name(experiment)
        return list(self.client.search_runs([found.experiment_id])) if found else []

    def run(self, name: str, experiment: str = "churn-experiment") -> Any:
        matching = [run for run in self.runs(experiment) if run.info.run_name == name]
        assert len(matching) == 1, [run.info.run_name for run in self.runs(experiment)]
        return matching[0]

    def parent(self, run: Any) -> str | None:
        parent_id = run.data.tags.get("mlflow.parentRunId")
        return self.client.get_run(parent_id).info.run_name if parent_id else None

    def artifacts(self, run: Any) -> dict[str, str]:
        """All artifacts with their text."""
        if not self.client.list_artifacts(run.info.run_id):
            return {}
        local = Path(self.client.download_artifacts(run.info.run_id, ""))
        return {
            path.relative_to(local).as_posix(): path.read_bytes().decode(errors="replace")
            for path in sorted(local.rglob("*"))
            if path.is_file()
        }


def run_cells(environment: Mapping[str, str], folder: Path, *cells: str) -> str:
    """Run cells in a real kernel, as a task's; gives what they printed, the last error's line at the end."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120)
    try:
        client.execute(env={**os.environ, **environment}, cwd=str(folder))
    except DeadKernelError:
        return "the kernel died"
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.get("text", "") for output in outputs if output.get("name") == "stdout"]
    errors = [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]
    return "".join([*shown, *errors])


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def server(running_server: Server) -> Server:
    """The server, running; a test may stop it."""
    if running_server._process is None:
        running_server.start()
    return running_server


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of each test: not the project's. Nothing may ever land there."""
    for name in list(os.environ):
        if "MLFLOW" in name:
            monkeypatch.delenv(name)
    # What cellmill adds while it tracks must not outlive a test.
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs; making one takes MLflow more than a second."""
    folder = tmp_path_factory.mktemp("empty")
    connect(local_store(folder))
    return folder / "mlflow.db"


@pytest.fixture
def new_project(tmp_path: Path) -> Project:
    """A project that has no store yet."""
    return Project(tmp_path / "project")


@pytest.fixture
def project(new_project: Project, empty_store: Path) -> Project:
    """A project with a store."""
    shutil.copy(empty_store, new_project.root)
    return new_project


@pytest.fixture
def told(project: Project) -> Told:
    """A run that the tests tell."""
    return Told(project)


@pytest.fixture
def tell(new_project: Project) -> Callable[[str], Told]:
    """Begins another run of the project's pipeline, by its id."""
    return lambda run_id: Told(new_project, run_id)


@pytest.fixture
def cells() -> Callable[..., str]:
    """Runs cells in a real kernel."""
    return run_cells


@pytest.fixture
def records(new_project: Project) -> Callable[..., Records]:
    """Opens what the project's own store holds, or another one."""
    return lambda uri=None: Records(uri or local_store(new_project.root).uri, new_project.root)
