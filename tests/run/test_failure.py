"""Failed runs with real kernels: one sentence for the author, nothing left that looks whole, the next run works."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from small_disk import fill, small_disk

from cellmill.errors import CellmillError
from cellmill.run import Event, Failure, RunResult, run_pipeline


@pytest.fixture
def failing(pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a pipeline whose second step has the given cells; the first and an independent one are well."""
    monkeypatch.chdir(pipeline.project)

    def write(
        *cells: str, settings: dict[str, Any] | None = None, tags: dict[int, list[str]] | None = None, **more: Any
    ) -> Any:
        steps = {
            "load": step(["xs = [1, 2]"], saves=["xs"]),
            "train": step(cells, ["load"], {"load": ["xs"]}, tags=tags or {}),
            "report": step(["print('never')"], ["train"]),
        }
        return pipeline.write(steps, settings=settings, **more)

    return write


def run(pipeline: Any, **options: Any) -> tuple[RunResult, list[Event]]:
    events: list[Event] = []
    return run_pipeline(pipeline.folder, listeners=[events.append], **options), events


def repaired(pipeline: Any, old: str, new: str) -> RunResult:
    """The run after the author's repair."""
    file = pipeline.task_file("train")
    file.write_text(file.read_text().replace(old, new))
    return run(pipeline)[0]


def test_an_error_names_the_source_cell_the_line_and_the_file_to_open(failing: Any) -> None:
    pipeline = failing("y = 1", "z = 2\n\ny / 0")

    result, events = run(pipeline)

    failure = result.failure
    assert isinstance(failure, Failure)
    assert result.state == "failed"
    assert failure.kind == "error"
    assert failure.sentence == (
        "notebooks/churn.ipynb, cell 4, line 3 (step train): ZeroDivisionError: division by zero; "
        "open pipelines/churn/output/train.ipynb."
    )
    assert (failure.notebook, failure.cell, failure.cell_id, failure.line) == (str(pipeline.notebook), 4, "train1", 3)
    assert (failure.error, failure.value) == ("ZeroDivisionError", "division by zero")
    assert "----> 3 y / 0" in failure.traceback
    assert "\x1b" not in failure.traceback
    assert "ZeroDivisionError" in Path(failure.executed or "").read_text()
    assert "ZeroDivisionError" in Path(failure.report or "").read_text()
    assert [(task.name, task.state, task.reason) for task in result.tasks] == [
        ("load", "succeeded", None),
        ("train", "failed", None),
        ("report", "not-run", "train failed"),
    ]
    told = next(event for event in events if event.kind == "task-failed").data
    assert json.loads(json.dumps(told))["failure"]["sentence"] == failure.sentence
    assert pickle.loads(pickle.dumps(failure)) == failure
    assert events[-1].data["state"] == "failed"

    result = repaired(pipeline, "y / 0", "y / 1")
    assert [task.state for task in result.tasks] == ["up-to-date", "succeeded", "succeeded"]


def test_a_task_that_failed_when_forced_does_not_look_up_to_date(failing: Any) -> None:
    pipeline = failing("import os\nif os.path.exists('broken'): raise RuntimeError('now')")
    assert run(pipeline)[0].state == "succeeded"
    (pipeline.notebook.parent / "broken").touch()
    assert run(pipeline, only="train")[0].state == "failed"
    (pipeline.notebook.parent / "broken").unlink()

    result, _ = run(pipeline)

    assert [task.state for task in result.tasks] == ["up-to-date", "succeeded", "succeeded"]


def test_a_missing_input_file_is_named_with_cell_and_working_folder(failing: Any) -> None:
    pipeline = failing("text = open('data/customers.csv').read()")

    failure = run(pipeline)[0].failure

    assert failure is not None
    assert failure.sentence == (
        "notebooks/churn.ipynb, cell 3, line 1 (step train): there is no file data/customers.csv in the working folder "
        f"{pipeline.notebook.parent}; put it there or correct the path."
    )


def test_a_kernel_that_dies_costs_one_sentence(failing: Any) -> None:
    pipeline = failing("y = 1", "import os; os._exit(1)")

    result, _ = run(pipeline)

    assert result.state == "failed"
    assert result.failure is not None
    assert result.failure.kind == "kernel-died"
    assert result.failure.sentence == (
        "notebooks/churn.ipynb, cell 4 (step train): the kernel died while this cell ran (exit code 1); "
        "open pipelines/churn/output/train.ipynb."
    )
    assert "KernelDied: exit code 1" in Path(result.failure.report or "").read_text()
    assert repaired(pipeline, "os._exit(1)", "y").state == "succeeded"


@pytest.mark.parametrize(
    "cell, words",
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "killed by SIGKILL, as systems do when memory runs out",
        ),
        (
            "import ctypes; ctypes.string_at(0)",
            "ended by SIGSEGV",
        ),
    ],
)
def test_a_kernel_that_was_killed_says_how(failing: Any, cell: str, words: str) -> None:
    failure = run(failing(cell))[0].failure

    assert failure is not None
    assert f"the kernel died while this cell ran ({words})" in failure.sentence


def test_criteria_and_checks_tell_what_was_measured(failing: Any) -> None:
    pipeline = failing(
        "acc = 0.85", "churn_handover.metric('acc', acc)\nchurn_handover.criteria('acc >= 0.9', globals())"
    )

    result, events = run(pipeline)

    failure = result.failure
    assert failure is not None
    assert failure.kind == "criteria"
    assert "cell 4, line 2 (step train): criteria not met: acc >= 0.9, measured acc = 0.85;" in failure.sentence
    assert result["train"].metrics == {"acc": 0.85}
    assert next(event for event in events if event.kind == "task-failed").data["metrics"] == {"acc": 0.85}

    pipeline = failing("rows = 3", "# enough\nassert rows > 5", tags={1: ["check:train"]})
    failure = run(pipeline)[0].failure
    assert failure is not None
    assert failure.kind == "check"
    assert "cell 4, line 2 (step train): a check failed: assert rows > 5;" in failure.sentence


def test_an_error_in_a_shared_cell_names_that_cell(failing: Any) -> None:
    pipeline = failing("y = helper(xs)", shared="LIMIT = 1\n\n\nhelper = undefined_name\n")

    failure = run(pipeline)[0].failure

    assert failure is not None
    assert (failure.notebook, failure.cell, failure.line) == (str(pipeline.notebook), 2, 4)
    assert failure.error == "NameError"


def test_a_hand_over_that_fails_is_called_so(failing: Any) -> None:
    pipeline = failing("y = 1")
    source = pipeline.task_file("train").read_text()
    pipeline.task_file("train").write_text(
        source.replace("churn_handover.save()", "churn_handover.save(f=(x for x in []))")
    )

    failure = run(pipeline)[0].failure

    assert failure is not None
    assert failure.kind == "hand-over"
    assert "(step train): cannot pickle 'generator' object" in failure.sentence


def test_the_time_limit_counts_for_the_whole_step(failing: Any) -> None:
    cells = ["import time\ntime.sleep(0.6)", "time.sleep(0.6)", "time.sleep(60)"]
    pipeline = failing(*cells, settings={"steps": {"train": {"timeout": 2}}})

    result, _ = run(pipeline)

    failure = result.failure
    assert failure is not None
    assert failure.kind == "timeout"
    assert failure.sentence == (
        "notebooks/churn.ipynb, cell 5, line 1 (step train): the step took longer than 2 s and was ended; "
        "make it faster or raise steps.train.timeout in cellmill.yaml."
    )
    assert result["train"].seconds < 10
    assert repaired(pipeline, "time.sleep(60)", "pass").state == "succeeded"


def test_a_cell_that_swallows_the_interrupt_is_killed_at_its_limit(failing: Any) -> None:
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        pass"
    pipeline = failing(stubborn, settings={"steps": {"train": {"timeout": 1}}})

    result, _ = run(pipeline)

    assert result.failure is not None
    assert result.failure.kind == "timeout"


def test_retries_run_the_step_again_from_its_start(failing: Any) -> None:
    lines = [
        "from pathlib import Path",
        "count = len(list(Path('.').glob('try*')))",
        "Path(f'try{count}').touch()",
        "print('try', count)",
        "1 / (count > 1)",
    ]
    pipeline = failing("\n".join(lines), settings={"steps": {"train": {"retries": 3}}})

    result, events = run(pipeline)

    assert result.state == "succeeded"
    assert result["train"].attempts == 3
    assert pipeline.text_of("train") == "try 2\n"
    own = [event for event in events if event.task == "train" and event.kind != "cell-started"]
    assert [event.kind for event in own] == ["task-started", "task-retried"] * 2 + ["task-started", "task-finished"]
    assert [event.data["attempt"] for event in own if event.kind == "task-started"] == [1, 2, 3]
    assert "ZeroDivisionError" in own[1].data["failure"]["sentence"]


def test_retries_that_are_used_up_end_in_failure(failing: Any) -> None:
    result, events = run(failing("1 / 0", settings={"steps": {"train": {"retries": 1}}}))

    assert result.state == "failed"
    assert result["train"].attempts == 2
    assert len([event for event in events if event.kind == "task-retried"]) == 1
    assert len([event for event in events if event.kind == "task-failed"]) == 1


def test_a_step_that_exits_early_has_not_succeeded(failing: Any) -> None:
    result, _ = run(failing("import sys\nsys.exit(0)", "y = 1"))

    assert result.state == "failed"
    assert result.failure is not None
    assert "cell 3 (step train): the cell left the step by exit()" in result.failure.sentence


def test_a_syntax_error_names_its_line(failing: Any) -> None:
    failure = run(failing("x = 1\ny = = 2"))[0].failure

    assert failure is not None
    assert "cell 3, line 2 (step train): SyntaxError: invalid syntax" in failure.sentence


def test_independent_steps_go_on_after_a_failure(pipeline: Any, step: Any) -> None:
    pipeline.write({"a": step(["1 / 0"]), "b": step(["x = 1"]), "c": step(["y = 1"], ["a", "b"])})

    result, _ = run(pipeline)

    assert [task.state for task in result.tasks] == ["failed", "succeeded", "not-run"]


@pytest.mark.parametrize("moment", ["run-started", "cell-started"])
def test_a_full_disk_is_one_sentence_and_nothing_half_stays(failing: Any, tmp_path: Path, moment: str) -> None:
    pipeline = failing("y = 1")
    with small_disk(tmp_path / "disk") as disk:
        full: list[Path] = []

        def watch(event: Event) -> None:
            if event.kind == moment and not full:
                full.append(fill(disk))

        result = run_pipeline(pipeline.folder, listeners=[watch], output=disk / "output")

        assert result.failure is not None
        assert re.fullmatch(
            r"(\S*tasks/load\.py \()?step load\)?: there is no space left on the disk; "
            r"free some or run with the pipeline on another disk\.",
            result.failure.sentence,
        )
        left = [path for path in (disk / "output").rglob("*") if path.is_file() and path.name != ".lock"]
        assert all(json.loads(path.read_text()) for path in left if path.suffix in (".ipynb", ".json")), left
        full[0].unlink()
        assert run_pipeline(pipeline.folder, output=disk / "output").state == "succeeded"


def test_a_read_only_folder_is_one_sentence(failing: Any) -> None:
    pipeline = failing("y = 1")

    with pytest.raises(CellmillError, match=r"/sys/.*: can't be written: .*; make the folder writable") as error:
        run(pipeline, output=Path("/sys/kernel/cellmill"))

    assert "\n" not in str(error.value)


def test_a_disk_full_for_an_author_is_still_the_authors_cell(failing: Any) -> None:
    failure = run(failing("open('/dev/full', 'w', buffering=1).write('x\\n')"))[0].failure

    assert failure is not None
    assert f"cell 3, line 1 (step train): OSError: [Errno {errno.ENOSPC}]" in failure.sentence


def test_a_kernel_that_can_not_start_says_why(failing: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pipeline = failing("y = 1")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no licence for this machine')")

    result, _ = run(pipeline, task_environment=lambda _: {"PYTHONPATH": str(tmp_path)})

    assert result.failure is not None
    assert result.failure.kind == "kernel-died"
    assert "(step load): the kernel died before a cell ran (exit code 1; it wrote: " in result.failure.sentence


def test_no_process_and_no_file_stays_behind(failing: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    with TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr("cellmill.run.engine._SHORT_FOLDER", folder)
        pipeline = failing(f"import os; open({str(told)!r}, 'w').write(str(os.getpid())); os._exit(1)")

        run(pipeline)

        assert os.listdir(folder) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)
