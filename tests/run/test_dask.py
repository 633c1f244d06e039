"""Steps on Dask workers that share no disk: the same results as here, whatever becomes of a worker.

``CELLMILL_DASK_TASKS=50 pytest tests/run/test_dask.py`` runs the large form: so many steps, a worker killed midway.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from dask_machines import BIN, Machines, ends, machines
from running import Running, marked, until

from cellmill.errors import CellmillError
from cellmill.run import Event, run_pipeline

if sys.platform != "linux":
    pytest.skip("looks for processes in /proc", allow_module_level=True)

TASKS = int(os.environ.get("CELLMILL_DASK_TASKS", "0"))
STUDY = {
    "load": "from pathlib import Path\nrows = [int(line) for line in Path('data/rows.txt').read_text().split()]",
    # Backwards: paths in outputs are told as those of the machine that asked.
    "left": "import os\nfrom helpers import total\nplace = os.getcwd()[::-1]\nprint(place)\nleft = total(rows)",
    "right": (
        "import os, time\nfrom pathlib import Path\n"
        "if first and not Path(first).exists():\n"
        "    Path(first).write_text(f'{os.getpid()} {os.getppid()}')\n"
        "    time.sleep(100)\n"
        "right = max(rows)"
    ),
    "join": "print(os.path.abspath('data'))\n%metric together left + right\nprint(left + right)",
}


def cell(source: str, tag: str) -> Any:
    return nbformat.v4.new_code_cell(source, metadata={"tags": [tag]})


def promoted(folder: Path, steps: dict[str, str], *cells: Any) -> Path:
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    notebook.cells += [*cells, *(cell(source, f"step:{name}") for name, source in steps.items())]
    (folder / "pyproject.toml").write_text("")
    nbformat.write(notebook, folder / "study.ipynb")
    done = subprocess.run(
        [str(BIN / "cellmill"), "promote", "study.ipynb"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "pipelines" / "study"


def shown(pipeline: Path, step: str) -> str:
    executed = nbformat.read(pipeline / "output" / f"{step}.ipynb", as_version=4)
    return "".join(one.get("text", "") for cell in executed.cells for one in cell.get("outputs", ()))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("machines"), workers=2) as found:
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, network: Machines) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "data").mkdir()
    (folder / "data" / "rows.txt").write_text("1 2")
    (folder / "helpers.py").write_text("def total(rows):\n    return sum(rows)\n")
    pipeline = promoted(folder, STUDY, cell("first = ''", "parameters"), cell("import os", "shared"))
    (pipeline / "env.prod.yaml").write_text(f"storage: {network.storage}/study\n")
    return folder


def test_a_step_whose_worker_is_lost_runs_on_another_one(network: Machines, project: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    run = network.begin(
        project, "run", "study", "--executor", "dask", "--scheduler", network.scheduler, "--env", "prod",
        "-p", f"first={first}",
    )  # fmt: skip
    until(lambda: first.exists() and len(first.read_text().split()) == 2, seconds=120)
    kernel, worker = map(int, first.read_text().split())
    assert worker in [one.pid for one in network.workers]
    os.kill(worker, signal.SIGKILL)
    network.add_worker("--resources", "GPU=1")
    out, err = run.communicate(timeout=120)

    assert run.returncode == 0, out + err
    assert ends(kernel)
    at = r"study\.ipynb, cell 5 \(step right\): the worker tcp://\S+ was lost while it ran this\."
    lost = f"right: attempt 1 of 2 failed: {at}"
    assert re.search(lost, out), out
    assert "Succeeded" in out
    pipeline = project / "pipelines" / "study"
    place = shown(pipeline, "left").strip()[::-1]
    assert place.startswith(str(network.folder)), place
    # As a run here would have it.
    assert shown(pipeline, "join") == f"{project / 'data'}\n5\n"
    assert str(network.folder) not in (pipeline / "output" / "join.ipynb").read_text()
    assert (pipeline / "output" / "join.html").exists()


def test_another_machine_finds_what_is_up_to_date(
    network: Machines, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("output", "mlflow.db*", ".cellmill"))
    for name in (one for one in network.environment if one.startswith("AWS_")):
        monkeypatch.setenv(name, network.environment[name])

    there = Running(
        SimpleNamespace(folder=other / "pipelines" / "study"),
        f"run_on='dask', scheduler={network.scheduler!r}, profile='prod'",
    ).end()

    assert "STATE succeeded" in there, there
    assert re.findall(r"task-skipped (\w+)", there) == ["load", "left"]
    assert shown(other / "pipelines" / "study", "join").endswith("5\n")
    # Of each step the current products, and no others.
    kept = set(re.findall(r"study/study/(\w+)/(\w{32})/", network.objects()))
    assert sorted(step for step, _ in kept) == sorted(STUDY)
    # Variables came along: what follows can run here.
    assert run_pipeline(other / "pipelines" / "study", only="join").state == "succeeded"


def test_without_a_scheduler_a_failure_is_told_as_ever_and_a_stop_ends_the_kernels(tmp_path: Path) -> None:
    mark = tmp_path / "kernel"
    steps = {
        "load": "rows = [1]",
        "bad": "print(rows)\nbad = rows[7]",
        "long": f"import os, time\nfrom pathlib import Path\nPath({str(mark)!r}).write_text(str(os.getpid()))\n"
        "print(rows)\ntime.sleep(100)",
    }
    promoted(tmp_path, steps)
    environment = {**os.environ, "CELLMILL_MARK": "dask" + str(tmp_path)}
    run = subprocess.Popen(
        [str(BIN / "cellmill"), "run", "study", "--executor", "dask", "--jobs", "1"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: mark.exists() and bool(mark.read_text()), seconds=120)
    # As Ctrl-C in a terminal does: all processes of the group hear it.
    os.killpg(run.pid, signal.SIGINT)
    began = time.monotonic()
    out, err = run.communicate(timeout=60)

    assert run.returncode == 130, out + err
    assert time.monotonic() - began < 30
    assert "study.ipynb, cell 2, line 2 (step bad): IndexError: list index out of range" in err, err
    assert "long: stopped" in out, out
    assert ends(int(mark.read_text()))
    assert not list(marked(f"CELLMILL_MARK={environment['CELLMILL_MARK']}"))
    assert not (tmp_path / "pipelines" / "study" / "output" / ".exchange").exists()


def test_a_step_runs_where_what_it_asks_for_is_declared(pipeline: Any, step: Any, network: Machines) -> None:
    where = "import os\nprint(os.getppid())"
    asked = {"a": {"gpus": 1}, "b": {"gpus": 1}, "c": {"memory": "900TB"}}
    pipeline.write({name: step([where]) for name in asked}, settings={"steps": asked})
    told: list[Event] = []

    # No storage: these workers see this disk.
    result = run_pipeline(pipeline.folder, run_on="dask", scheduler=network.scheduler, listeners=[told.append])

    assert result.state == "succeeded", result.failure
    assert {int(pipeline.text_of(name)) for name in ("a", "b")} == {network.workers[-1].pid}
    assert [event.data["text"] for event in told if event.kind == "notice"] == [
        "Step c asks for MEMORY=9e+14, and no worker declares so much (dask worker --resources)."
    ]
    assert sorted(path.name for path in pipeline.output.iterdir() if path.is_dir()) == ["a", "b", "c"]


def refused(pipeline: Any, **options: Any) -> str:
    with pytest.raises(CellmillError) as error:
        run_pipeline(pipeline.folder, run_on="dask", **options)
    return str(error.value)


def test_what_is_not_there_is_told_in_a_sentence(
    pipeline: Any, step: Any, network: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.write({"load": step(["rows = 1"])})
    told = refused(pipeline, scheduler="tcp://127.0.0.1:1")
    assert told.startswith("no Dask scheduler answers at tcp://127.0.0.1:1 (")
    assert told.endswith("; start one with `dask scheduler`, or correct --scheduler (such as tcp://host:8786).")
    pipeline.dump("env.prod.yaml", {"storage": "nowhere://bucket"})
    told = refused(pipeline, profile="prod")
    assert told.startswith("storage: nowhere://bucket is no address that fsspec knows (")
    pipeline.dump("env.prod.yaml", {"storage": 3})
    assert "storage: 3 is no address; write it as in s3://bucket/prefix." in refused(pipeline, profile="prod")
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = refused(pipeline)
    assert told.startswith("--executor dask needs dask.distributed (")
    assert told.endswith("; pip install 'cellmill[dask]'.")
    assert [found.name for found in pipeline.output.iterdir()] == [".lock"]


def test_a_result_that_is_lost_with_its_worker_is_made_again(
    pipeline: Any, step: Any, network: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Future

    began = tmp_path / "began"
    pipeline.write({"a": step([f"import os\nopen({str(began)!r}, 'a').write(f'{{os.getppid()}}\\n')\nprint('made')"])})
    killed: list[int] = []
    result_of = Future.result

    def killing(future: Future, *given: Any, **more: Any) -> Any:
        """The result is at the worker that made it, which dies before it is asked for."""
        if not killed:
            killed.append(int(began.read_text()))
            os.kill(killed[0], signal.SIGKILL)
            next(one for one in network.workers if one.pid == killed[0]).wait()
        return result_of(future, *given, **more)

    monkeypatch.setattr(Future, "result", killing)
    monkeypatch.setattr("cellmill.run.remote.cluster._FETCH", 0.5)

    result = run_pipeline(pipeline.folder, run_on="dask", scheduler=network.scheduler)

    assert result.state == "succeeded", result.failure
    first, second = map(int, began.read_text().split())
    assert killed == [first]
    assert second != first
    assert "made" in pipeline.text_of("a")


@pytest.mark.skipif(not TASKS, reason="takes minutes; CELLMILL_DASK_TASKS=50 asks for it")
def test_many_steps_and_a_worker_killed_midway(tmp_path: Path) -> None:
    steps = {"s0": "x0 = 1\nprint(x0)"}
    for one in range(1, TASKS - 1):
        steps[f"s{one}"] = f"x{one} = x{one // 2} * 3 + {one}\nprint(x{one})"
    leaves = [f"x{one}" for one in range(TASKS // 2, TASKS - 1)]
    steps["last"] = f"print({' + '.join(leaves)})"
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        pipeline = promoted(folder, steps)
    settings = pipeline / "cellmill.yaml"
    settings.write_text(settings.read_text() + "storage: s3://products/many\n")
    with machines(tmp_path, workers=2) as network:
        run = network.begin(there, "run", "study", "--executor", "dask", "--scheduler", network.scheduler)
        told = read_until(run, f"s{TASKS // 3}: done")
        victim = network.workers[0].pid
        kernels = children(victim)
        os.kill(victim, signal.SIGKILL)
        out, err = run.communicate(timeout=1200)
        assert run.returncode == 0, told + out + err
        assert "Succeeded in" in out
        assert f"{TASKS} steps done" in out
        assert all(ends(kernel) for kernel in kernels)
        # No kernel stays, of the worker that lives either.
        assert ends_all(network.workers[1].pid)
    done = network.cellmill(here, "run", "study")
    assert done.returncode == 0, done.stdout + done.stderr
    for step in steps:
        assert shown(there / "pipelines" / "study", step) == shown(here / "pipelines" / "study", step)
    sys.stdout.write(
        f"{TASKS} steps on 2 workers, one killed with {len(kernels)} processes: {out.count('was lost')} lost.\n"
    )


def read_until(run: subprocess.Popen[str], text: str) -> str:
    assert run.stdout is not None
    told = ""
    for line in run.stdout:
        told += line
        if text in line:
            return told
    raise AssertionError(told)


def children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def ends_all(pid: int, seconds: float = 20) -> bool:
    limit = time.monotonic() + seconds
    while children(pid) and time.monotonic() < limit:
        time.sleep(0.2)
    return not children(pid)
