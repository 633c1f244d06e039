"""Kernels forked from a warm process: like others in all that a cell can see, and gone with whoever they belong to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
from running import Running, is_spare, parent, until

from cellmill.run import Event, run_pipeline

if sys.platform != "linux":
    pytest.skip("forks on Linux only", allow_module_level=True)

LOOK = """
def look():
    import gc, logging, os, signal, sys, warnings
    from pathlib import Path
    changing = ("JPY_PARENT_PID", "JPY_SESSION_NAME")
    status = Path("/proc/self/status").read_text().splitlines()
    return {
        "argv": [sys.argv[0], len(sys.argv), len(sys.orig_argv)],
        "path": sys.path,
        "environ": {key: value for key, value in os.environ.items() if key not in changing},
        "folder": os.getcwd(),
        "filters": [str(item) for item in warnings.filters],
        "signals": [str(signal.getsignal(number)).split(" at ")[0] for number in sorted(signal.valid_signals())],
        "status": [line for line in status if line.startswith(("Umask", "SigBlk", "SigIgn"))],
        "group": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
        "logging": [logging.root.level, len(logging.root.handlers)],
        "gc": [gc.get_threshold(), gc.isenabled()],
        "stdin": sys.__stdin__.read(),
        "main": [str(getattr(sys.modules["__main__"], name, None)) for name in ("__file__", "__spec__", "__name__")],
        "libraries": [name for name in ("numpy", "pandas", "sklearn", "matplotlib", "joblib") if name in sys.modules],
    }
import json
print(json.dumps(look()))
"""
IMPORTS = """
import warnings
warnings.filterwarnings("ignore", category=RuntimeWarning)
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn.linear_model
"""
LOOK_AGAIN = """
import multiprocessing, random, re, matplotlib
found = look()
found["rc"] = {key: str(value) for key, value in dict.items(matplotlib.rcParams)}
found["options"] = re.findall("^[a-z].*|.*currently.*", pd.describe_option(_print_desc=False), re.M)
found["numpy"] = [str(np.get_printoptions()), str(np.geterr())]
found["events"] = [str(h).split(" at ")[0] for hooks in get_ipython().events.callbacks.values() for h in hooks]
found["solved"] = np.linalg.solve(np.eye(200) * 2, np.ones(200)).sum()
print(json.dumps(found))
print(random.random(), np.random.rand(), __import__("os").getppid(), multiprocessing.current_process().authkey.hex())
"""
DRAW = "plt.plot([1, 2])\nplt.show()\nplt.gcf().number"
SLOW = """
import subprocess, time
from pathlib import Path
subprocess.Popen(["sleep", "60"])
try:
    Path("begun").touch()
    time.sleep(0 if Path("fast").exists() else 60)
finally:
    Path("tidy").touch()
"""


@pytest.fixture
def slow(pipeline: Any, step: Any) -> Any:
    """A pipeline whose second step sleeps for a minute, unless there is a file `fast`, and has a child that sleeps."""
    return pipeline.write({"load": step(["1"]), "train": step([SLOW], ["load"])})


def run(pipeline: Any, **options: Any) -> tuple[str, list[str]]:
    """The run's state and its notices."""
    events: list[Event] = []
    state = run_pipeline(pipeline.folder, listeners=[events.append], force=True, **options).state
    return state, [event.data["text"] for event in events if event.kind == "notice"]


def test_a_step_sees_what_it_sees_in_a_kernel_of_its_own(
    pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # scikit-learn sets it where it is imported: here, between the two runs.
    monkeypatch.setenv("KMP_INIT_AT_FORK", "FALSE")
    cells = [LOOK, IMPORTS, LOOK_AGAIN, DRAW]
    pipeline.write({"one": step(cells), "two": step(cells, ["one"])})

    assert run(pipeline, only="one") == ("succeeded", [])
    plain, plain_drawn = pipeline.text_of("one").splitlines(), drawn(pipeline)
    assert run(pipeline, warm=True) == ("succeeded", [])

    numbers = []
    for name in ("one", "two"):
        *warm, number = pipeline.text_of(name).splitlines()
        for before, after in zip(plain, warm, strict=False):
            assert json.loads(after) == json.loads(before)
        numbers.append(number.split())
    assert json.loads(plain[0])["libraries"] == []
    assert drawn(pipeline) == plain_drawn
    # Generators are at places of their own, and both kernels come from one process that is not this one.
    assert numbers[0][0] != numbers[1][0]
    assert numbers[0][1] != numbers[1][1]
    assert numbers[0][3] != numbers[1][3]
    assert numbers[0][2] == numbers[1][2] != str(os.getpid())
    assert not Path("/proc", numbers[0][2]).exists()


def drawn(pipeline: Any) -> list[Any]:
    """What the figure's cell gave out, but the picture itself."""
    outputs = next(cell.outputs for cell in pipeline.executed("one").cells if cell.source == DRAW)
    return [(output.output_type, sorted(output.get("data", {}))) for output in outputs]


@pytest.mark.parametrize("victim", ["run", "warm process", "kernel"])
def test_a_kill_leaves_no_process_and_the_next_run_goes_on(slow: Any, victim: str) -> None:
    running = Running(slow, "warm=True")
    until((slow.notebook.parent / "begun").exists)
    # The system shows a process that has just been started without its environment for a moment.
    until(lambda: any(Path("/proc", str(pid), "comm").read_text() == "sleep\n" for pid in running.processes()))
    parents = {pid: parent(pid) for pid in running.processes()}
    (warm,) = [pid for pid, above in parents.items() if above == running.process.pid]
    (kernel,) = [pid for pid, above in parents.items() if above == warm and not is_spare(pid)]
    (child,) = [pid for pid, above in parents.items() if above == kernel]

    os.kill({"run": running.process.pid, "warm process": warm, "kernel": kernel}[victim], signal.SIGKILL)
    rest = running.end()

    if victim == "kernel":
        # As with any kernel: nobody knows of what it had started.
        os.kill(child, signal.SIGKILL)
    until(lambda: running.processes() == [])
    if victim != "run":
        assert "STATE failed" in rest
        assert "killed by SIGKILL" in rest
    (slow.notebook.parent / "fast").touch()
    result = run_pipeline(slow.folder, warm=True)
    assert [task.state for task in result.tasks] == ["up-to-date", "succeeded"]


def test_a_stop_interrupts_the_cell(slow: Any) -> None:
    running = Running(slow, "warm=True")
    until((slow.notebook.parent / "begun").exists)

    running.process.send_signal(signal.SIGINT)

    assert "STATE stopped" in running.end()
    assert (slow.notebook.parent / "tidy").exists()
    until(lambda: running.processes() == [])


def test_a_crash_is_told_as_of_any_kernel(pipeline: Any, step: Any) -> None:
    pipeline.write({"load": step(["1"]), "train": step(["import os\nos._exit(3)"], ["load"])})

    result = run_pipeline(pipeline.folder, warm=True)

    assert result.failure is not None
    assert "exit code 3" in result.failure.sentence


def test_what_can_not_be_forked_runs_in_the_ordinary_way_and_says_so_once(
    pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = pipeline.project / "lib"
    lib.mkdir()
    (lib / "sitecustomize.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[9], daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(lib))
    pipeline.write({"one": step(["1"]), "two": step(["import os\nprint(os.getppid())"], ["one"])})

    state, notices = run(pipeline, warm=True)

    assert state == "succeeded"
    assert notices == [
        "The steps' kernels are started without warm imports: the imports leave a thread running (python)."
    ]
    assert pipeline.text_of("two") == f"{os.getpid()}\n"


def test_an_installed_package_is_not_missed(pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lib = pipeline.project / "lib"
    lib.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(lib))
    show = "import os\nprint(os.getppid())"
    install = f"from pathlib import Path\nPath({str(lib)!r}, 'new.py').write_text('')"
    pipeline.write({"one": step([show, install]), "two": step([show], ["one"]), "three": step([show], ["two"])})

    assert run(pipeline, warm=True) == ("succeeded", [])

    one, two, three = (int(pipeline.text_of(name)) for name in ("one", "two", "three"))
    assert os.getpid() not in (one, two, three)
    assert one != two == three


def test_a_module_of_the_authors_is_never_taken_for_a_library(pipeline: Any, step: Any) -> None:
    cell = "import joblib\nprint(joblib.who)"
    pipeline.write({"one": step([cell]), "two": step([cell], ["one"])}, shared="import numpy\n")
    (pipeline.notebook.parent / "joblib.py").write_text("who = 'me'\n")

    assert run(pipeline, warm=True) == ("succeeded", [])

    assert pipeline.text_of("two") == "me\n"


def test_what_an_import_says_is_heard_in_each_step(pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lib = pipeline.project / "lib"
    lib.mkdir()
    (lib / "joblib.py").write_text("print('said')\n")
    (lib / "cloudpickle.py").write_text("import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n")
    monkeypatch.setenv("PYTHONPATH", str(lib))
    cells = ["import joblib", "import cloudpickle", "import numpy, os\nprint(os.getppid())"]
    pipeline.write({"one": step(cells), "two": step(cells, ["one"])})

    assert run(pipeline, warm=True) == ("succeeded", [])

    for name in ("one", "two"):
        said, *warned, process = pipeline.text_of(name).splitlines()
        assert said == "said"
        assert "DeprecationWarning: old" in warned[0]
        assert process != str(os.getpid())


@pytest.fixture
def named_provisioner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs that start kernels without cellmill find its provisioner, and name it."""
    group = "jupyter_client.kernel_provisioners"
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    # As an installation writes it: this environment's may be older than the entry point.
    metadata = tmp_path / "lib" / "as_installed-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: as_installed\nVersion: 0\n")
    entries = [f"{name} = {value}" for name, value in project["entry-points"][group].items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *entries]))
    monkeypatch.setenv("PYTHONPATH", str(metadata.parent))
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "cellmill-warm")


@pytest.mark.usefixtures("named_provisioner")
def test_other_programs_can_name_the_provisioner(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("import os\nprint(os.getppid())")
    for name in ("a", "b"):
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")

    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--inplace", "a.ipynb", "b.ipynb"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert process.wait(timeout=120) == 0

    a, b = (nbformat.read(tmp_path / f"{name}.ipynb", as_version=4).cells[0].outputs[0].text for name in ("a", "b"))
    assert int(a) == int(b) != process.pid
    assert not Path("/proc", str(int(a))).exists()


def test_a_program_that_goes_on_keeps_one_warm_process_for_its_next_run(pipeline: Any, step: Any) -> None:
    pipeline.write({"one": step(["import os\nprint(os.getppid())"]), "two": step(["1"], ["one"])})
    code = """
import os, sys
from pathlib import Path
import psutil
from cellmill.run import run_pipeline
from cellmill.run.warm import keep_warm_processes
keep_warm_processes()
folder = Path(sys.argv[1])
def look():
    run_pipeline(folder, force=True, warm=True)
    children = psutil.Process().children(recursive=True)
    print(*[child.pid for child in children], flush=True)
    import nbformat
    cells = nbformat.read(folder / "output" / "one.ipynb", as_version=4).cells
    print([o.text for cell in cells for o in cell.get("outputs", ()) if "text" in o][0].strip(), flush=True)
# Imports of the first run may set variables, which are the next one's.
look()
look()
look()
os.environ["OF_THE_NEXT"] = "1"
look()
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(pipeline.folder)], capture_output=True, text=True, timeout=120, check=True
    )
    _, _, left, first, left_again, again, last, other, _ = done.stdout.split("\n")
    # Between runs it alone is there; it serves the next run, but not one with another environment.
    assert left == first == again == left_again
    assert last == other != first
    until(lambda: not Path("/proc", other).exists())


@pytest.mark.usefixtures("named_provisioner")
def test_nbval_forks_all_kernels_of_a_folder_from_one_process(tmp_path: Path) -> None:
    # Pytest tells each kernel of another test that is current, by a variable.
    told = "import os\nprint(os.getppid(), os.environ['PYTEST_CURRENT_TEST'], file=open('told', 'a'), flush=True)"
    for name in ("a", "b"):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(told)])
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")

    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "a.ipynb", "b.ipynb"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert process.wait(timeout=120) == 0

    (a, of_a), (b, of_b) = (line.split(maxsplit=1) for line in (tmp_path / "told").read_text().splitlines())
    assert int(a) == int(b) != process.pid
    assert (of_a[:7], of_b[:7]) == ("a.ipynb", "b.ipynb")


@pytest.mark.usefixtures("named_provisioner")
def test_nbval_uses_the_process_that_began_while_notebooks_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLMILL_WARM_IMPORTS", "numpy")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p cellmill.pytest_plugin -p no:cellmill")
    look = """
import psutil
warm = psutil.Process().parent()
beside = [one for one in warm.parent().children() if "_cellmill_warm" in " ".join(one.cmdline())]
print(len(beside), warm.create_time() - warm.parent().create_time(), file=open("told", "a"), flush=True)
"""
    for name in ("a", "b", "c"):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(look)]), tmp_path / f"{name}.ipynb")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert [line.split()[0] for line in (tmp_path / "told").read_text().splitlines()] == ["1", "1", "1"]


@pytest.mark.usefixtures("named_provisioner")
def test_programs_speak_to_warm_kernels_by_files_that_go_with_them(tmp_path: Path) -> None:
    code = """
import os
from pathlib import Path
from jupyter_client.manager import start_new_kernel
before = set(Path("/tmp").glob("cellmill-*"))
for number in range(3):
    manager, client = start_new_kernel(kernel_name="python3")
    reply = client.execute_interactive("import os; assert os.getppid() != %d" % os.getpid(), timeout=30)
    place = Path(manager.ip).parent
    print(manager.transport, reply["content"]["status"], place in before, flush=True)
    client.stop_channels()
    manager.shutdown_kernel(now=bool(number % 2))
    assert not place.exists()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["ipc ok False"] * 3, done.stderr
    assert done.returncode == 0, done.stderr
