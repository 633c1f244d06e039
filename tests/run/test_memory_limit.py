"""A step that takes more memory than it may: it ends with a sentence, and the rest of the run is as it was."""

from __future__ import annotations

from typing import Any

from cellmill.run import run_pipeline

GREEDY = "held = []\nfor n in range(4000):\n    held.append(bytearray(1_000_000))"
OTHERS = (
    "import subprocess, sys, time\n"
    "code = 'held = bytearray(600_000_000); import time; time.sleep(60)'\n"
    "subprocess.run([sys.executable, '-c', code])"
)


def test_a_step_over_its_limit_fails_with_the_limit_and_what_it_held(pipeline: Any, step: Any) -> None:
    pipeline.write(
        {"load": step(["xs = [1]"], saves=["xs"]), "train": step(["y = 1", GREEDY], ["load"]), "other": step(["1"])},
        settings={"steps": {"train": {"memory_limit": "400 MB"}, "other": {"memory_limit": "4GB"}}},
    )

    result = run_pipeline(pipeline.folder)

    assert [task.state for task in result.tasks] == ["succeeded", "failed", "succeeded"]
    failure = result.failure
    assert failure is not None
    assert failure.kind == "memory"
    assert failure.sentence.startswith(f"{pipeline.notebook}, cell 4 (step train): the step held ")
    assert failure.sentence.endswith(
        "MB of memory, more than its limit of 400 MB, and was ended; use less there or raise "
        "steps.train.memory_limit in cellmill.yaml."
    )
    held = float(failure.sentence.split("held ")[1].split(" MB")[0])
    assert 400 < held < 900
    assert "MemoryLimit: the step held" in (pipeline.output / "train.html").read_text()


def test_what_a_step_starts_counts_too(pipeline: Any, step: Any) -> None:
    pipeline.write({"train": step([OTHERS])}, settings={"steps": {"train": {"memory_limit": 500_000_000}}})

    result = run_pipeline(pipeline.folder)

    assert result.failure is not None
    assert result.failure.kind == "memory"
    assert result.seconds < 30
