"""Stopping runs as users and systems do: by signals to a real process, in the middle of a cell and of a start."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from running import Running, until

from cellmill.run import Event, StopSwitch, run_pipeline

if not Path("/proc/self/environ").exists():
    pytest.skip("looks for processes in /proc", allow_module_level=True)

SLOW = "from pathlib import Path\nimport time\nPath('begun').touch()\ntime.sleep(0 if Path('fast').exists() else 60)"


@pytest.fixture
def slow(pipeline: Any, step: Any) -> Any:
    """A pipeline whose second step sleeps for a minute, unless there is a file `fast`."""
    return pipeline.write(
        {
            "load": step(["xs = [1]"], saves=["xs"]),
            "train": step([SLOW], ["load"], {"load": ["xs"]}),
            "report": step(["1"], ["train"]),
        }
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_a_cell_ends_the_run_and_its_kernel(slow: Any, number: int) -> None:
    running = Running(slow)
    until((slow.notebook.parent / "begun").exists)
    (kernel,) = running.kernels()

    running.process.send_signal(number)
    rest = running.end()

    assert "STATE stopped" in rest
    assert "cell 3, line 4 (step train): stopped; the next run goes on from here." in rest
    assert "Traceback" not in rest
    assert running.processes() == []
    assert not Path(f"/proc/{kernel}").exists()
    assert "Stopped: the run was stopped" in (slow.output / "train.html").read_text()

    (slow.notebook.parent / "fast").touch()
    result = run_pipeline(slow.folder)
    assert [task.state for task in result.tasks] == ["up-to-date", "succeeded", "succeeded"]


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_a_signal_while_a_kernel_starts_leaves_none_behind(slow: Any, delay: float) -> None:
    running = Running(slow)
    running.wait_for_line("task-started load")
    time.sleep(delay)

    running.process.send_signal(signal.SIGINT)
    rest = running.end()

    assert "STATE stopped" in rest
    assert "Traceback" not in rest
    assert running.processes() == []
    assert "task-finished train" not in rest


def test_a_signal_before_anything_is_executed_writes_nothing(slow: Any) -> None:
    running = Running(slow)
    until(lambda: (slow.output / ".lock").exists())

    running.process.send_signal(signal.SIGINT)
    rest = running.end()

    assert "STATE stopped" in rest
    assert "run-started" not in rest
    assert [path.name for path in slow.output.iterdir()] == [".lock"]


def test_a_killed_run_takes_its_kernel_with_it_and_leaves_nothing_that_looks_whole(slow: Any) -> None:
    (slow.notebook.parent / "fast").touch()
    assert run_pipeline(slow.folder).state == "succeeded"
    for name in ("begun", "fast"):
        (slow.notebook.parent / name).unlink()
    running = Running(slow, "only='train'")
    until((slow.notebook.parent / "begun").exists)

    running.process.kill()
    running.end()

    until(lambda: running.processes() == [])
    (slow.notebook.parent / "fast").touch()
    result = run_pipeline(slow.folder)
    assert [task.state for task in result.tasks] == ["up-to-date", "succeeded", "succeeded"]


def test_another_thread_can_stop_a_run(slow: Any) -> None:
    stop = StopSwitch()

    def watch(event: Event) -> None:
        if event.kind == "cell-started" and event.task == "train" and event.data["cell_id"] == "train0":
            threading.Timer(0.5, stop.request).start()

    result = run_pipeline(slow.folder, stop=stop, listeners=[watch])

    assert result.state == "stopped"
    assert result.failure is not None
    assert result.failure.kind == "stopped"
    assert [(task.state, task.reason) for task in result.tasks] == [
        ("succeeded", None),
        ("stopped", None),
        ("not-run", "the run was stopped"),
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_signal_that_the_system_gives_to_another_thread_ends_the_run_too(slow: Any, jobs: int) -> None:
    took: list[float] = []

    def be_given_it() -> None:
        until((slow.notebook.parent / "begun").exists)
        took.append(time.monotonic())
        # Nothing that the main thread waits for is interrupted by that.
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    thread = threading.Thread(target=be_given_it)
    thread.start()
    result = run_pipeline(slow.folder, jobs=jobs)
    thread.join()

    assert result.state == "stopped"
    assert time.monotonic() - took[0] < 10


def test_signals_are_handled_as_before_when_a_run_is_over(slow: Any) -> None:
    (slow.notebook.parent / "fast").touch()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    run_pipeline(slow.folder, only="load")

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
