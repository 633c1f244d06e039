"""The commands, with a real run in between: what a user types and reads when the tracking server is down."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mlflow_server import Server

    from conftest import Project

NO_SERVER = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}

LOAD = """# %% tags=["parameters"]
upstream = None
product = None
size = 1

# %%
import mlflow
mlflow.log_metric("author", size, step=3)
"""

TRAIN = """# %% tags=["parameters"]
upstream = ["load"]
product = None

# %%
from pathlib import Path
if not Path("tried").exists():
    Path("tried").touch()
    raise ValueError("not yet")
"""


def write_pipeline(project: Project, experiment: str = "churn-experiment") -> None:
    def task(name: str, **more: Any) -> dict[str, Any]:
        product = {"nb": f"{{{{here}}}}/output/{name}.ipynb", "report": f"{{{{here}}}}/output/{name}.html"}
        executor = {"cwd": str(project.notebooks), "progress_bar": False, "log_output": False}
        common = {"nb_product_key": ["nb", "report"], "static_analysis": "disable", "executor_params": executor}
        return {"source": f"tasks/{name}.py", "name": name, "product": product, **common, **more}

    project.task("load", LOAD)
    project.task("train", TRAIN)
    tasks = [task("load", params={"size": "{{size}}"}), task("train")]
    settings = {
        "experiment": experiment,
        "parameters": {"size": {"type": "int"}},
        "steps": {"train": {"retries": 1}},
    }
    (project.folder / "pipeline.yaml").write_text(yaml.safe_dump({"tasks": tasks}))
    (project.folder / "env.yaml").write_text(yaml.safe_dump({"size": 1}))
    (project.folder / "cellmill.yaml").write_text(yaml.safe_dump(settings))


def cellmill(project: Project, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cellmill.cli import main; main()", *arguments],
        cwd=project.root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_without_its_server_ends_and_is_sent_later(project: Project, records: Any) -> None:
    write_pipeline(project)
    nothing = cellmill(project, "track", "push")
    assert (nothing.returncode, nothing.stdout) == (0, "Nothing waits to be sent.\n")

    done = cellmill(project, "run", "pipelines/churn", "-p", "size=3", **NO_SERVER)
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert "http://127.0.0.1:1 can't be used (connection refused)" in said
    assert "cellmill track push" in said
    assert "Traceback" not in done.stderr
    # What a cell logs with MLflow itself is among the metrics.
    assert "Metrics: load: author = 3 " in said

    refused = cellmill(project, "track", "push")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: http://127.0.0.1:1 does not answer (connection refused); 1 run waits in ")
    assert refused.stderr.count("\n") == 1

    local = f"sqlite:///{project.root}/mlflow.db"
    sent = cellmill(project, "track", "push", "--to", local)
    assert (sent.returncode, sent.stderr) == (0, "")
    assert sent.stdout.startswith("Sent churn-")
    assert sent.stdout.endswith(f" to {local}: 4 MLflow runs.\n")
    assert not list(project.root.glob(".cellmill/spool/*/spool.json"))

    found = records()
    load = found.run("load")
    assert (load.data.params, load.data.metrics["author"]) == ({"size": "3"}, 3)
    assert set(found.artifacts(load)) == {"notebook/load.ipynb", "report/load.html"}
    assert found.run("train").info.status == "FINISHED"
    attempt = found.run("train (attempt 1)")
    assert (attempt.info.status, found.parent(attempt)) == ("FAILED", "train")
    assert "ValueError: not yet" in attempt.data.tags["cellmill.failure"]
    assert "not yet" in found.artifacts(attempt)["notebook/train.ipynb"]


DESERTED = """# %% tags=["parameters"]
upstream = None
product = None
size = 1

# %%
import mlflow
mlflow.log_metric("before", size)

# %%
import os, signal
try:
    os.killpg({server}, signal.SIGKILL)
except ProcessLookupError:
    pass

# %%
{last}
"""


def test_a_task_whose_server_dies_under_it_is_run_again_for_the_spool(
    project: Project, records: Any, server: Server
) -> None:
    write_pipeline(project, "deserted")
    project.task("load", DESERTED.format(server=server.group, last='mlflow.log_metric("author", size)'))

    done = cellmill(project, "run", "pipelines/churn", "-p", "size=3", MLFLOW_TRACKING_URI=server.uri)
    server.stop()
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{server.uri} can't be used" in said

    server.start()
    sent = cellmill(project, "track", "push")
    assert (sent.returncode, sent.stderr) == (0, "")
    found = records(server.uri)
    load = found.run("load", "deserted")
    assert (load.info.status, load.data.metrics["author"], load.data.metrics["before"]) == ("FINISHED", 3, 3)
    attempt = found.run("load (attempt 1)", "deserted")
    assert (attempt.info.status, attempt.data.metrics["before"], found.parent(attempt)) == ("FAILED", 3, "load")


def test_a_task_that_fails_by_itself_while_its_server_dies_is_not_run_again(project: Project, server: Server) -> None:
    write_pipeline(project, "failed")
    project.task("load", DESERTED.format(server=server.group, last='open("ran", "a").write("x")\n1 / 0'))
    done = cellmill(project, "run", "pipelines/churn", "-p", "size=3", MLFLOW_TRACKING_URI=server.uri)
    server.stop()
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert (project.notebooks / "ran").read_text() == "x"


def test_a_task_that_survives_its_server_says_what_may_be_missing(project: Project, server: Server) -> None:
    write_pipeline(project, "survived")
    project.task("load", DESERTED.format(server=server.group, last="size"))
    done = cellmill(project, "run", "pipelines/churn", "-p", "size=3", MLFLOW_TRACKING_URI=server.uri)
    server.stop()
    said = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "went away while load ran" in said
    assert "cellmill run pipelines/churn --only load" in said
