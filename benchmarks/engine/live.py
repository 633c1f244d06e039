"""The same ten steps from a process that is up: no imports count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure import Work, by_turns

from engine.line import Line, Options, faster, seconds_at_most
from engine.projects import Project, chain, project

NOT_RECORDED = "`run_pipeline(force=True)`, not recorded"
RECORDED = "the same, recorded in MLflow as `%run_pipeline` does"
KINDS = {
    NOT_RECORDED: "cellmill",
    RECORDED: "recorded",
    "`DAGSpec().to_dag().build(force=True)`": "ploomber",
    "`papermill.execute_notebook` on the whole notebook": "papermill",
    "`exec` of the script": "script",
}


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    steps = 3 if options.small else 10
    with project(chain(steps)) as made, ExitStack() as stack:
        works = {label: stack.enter_context(_process(kind, made)) for label, kind in KINDS.items()}
        found = by_turns(works, options.repeats)
    _, _, build, whole, script = found
    case = f"{steps} trivial steps in a chain, from a process that is up"
    yield Line(case, NOT_RECORDED, found[NOT_RECORDED], build, found[build], faster(8))
    yield Line(case, RECORDED, found[RECORDED], build, found[build], faster(8))
    yield Line(case, NOT_RECORDED, found[NOT_RECORDED], whole, found[whole])
    yield Line(case, NOT_RECORDED, found[NOT_RECORDED], script, found[script])
    for label in (NOT_RECORDED, RECORDED):
        overhead = (found[label] - found[script]) / steps
        yield Line(f"overhead per step (less the script, by {steps})", label, overhead, goal=seconds_at_most(0.15))


@contextmanager
def _process(kind: str, made: Project) -> Iterator[Work]:
    """A process that runs the steps once for each line it reads, and tells the seconds."""
    words = [sys.executable, str(Path(__file__).parent / "live_process.py"), kind]
    words += [str(made.pipeline), str(made.notebook), str(made.script)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asked, told = process.stdin, process.stdout

    def once() -> float:
        asked.write("once\n")
        asked.flush()
        line = told.readline()
        if not line:
            raise RuntimeError(f"the process for {kind} has ended: run {' '.join(words)} by hand")
        return float(json.loads(line))

    try:
        yield once
    finally:
        asked.close()
        process.wait()
