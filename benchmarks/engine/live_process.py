"""Runs ten steps once for each line that it reads, and tells the seconds; what it imports stays.

python live_process.py KIND PIPELINE NOTEBOOK SCRIPT
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    kind, pipeline, notebook, script = sys.argv[1], *map(Path, sys.argv[2:])
    kinds: dict[str, Callable[[], None]] = {
        "cellmill": lambda: _cellmill(pipeline),
        "recorded": lambda: _recorded(pipeline),
        "ploomber": lambda: _ploomber(pipeline),
        "papermill": lambda: _papermill(notebook),
        "script": lambda: exec(compile(script.read_text(), script, "exec"), {}),
    }
    answers = os.fdopen(os.dup(1), "w")
    # What libraries print is no answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for _ in sys.stdin:
        began = time.perf_counter()
        kinds[kind]()
        print(json.dumps(time.perf_counter() - began), file=answers, flush=True)


def _cellmill(pipeline: Path) -> None:
    from cellmill.run import run_pipeline
    from cellmill.run.warm import keep_warm_processes

    # As %run_pipeline does.
    keep_warm_processes()
    result = run_pipeline(pipeline, force=True)
    assert result.state == "succeeded", result.failure


def _recorded(pipeline: Path) -> None:
    from cellmill.run import RunLog, run_pipeline
    from cellmill.run.warm import keep_warm_processes
    from cellmill.track import Tracker

    keep_warm_processes()
    with RunLog(pipeline, source="magic", parameters={}, profile=None, on_notice=print) as log:
        with Tracker(pipeline, on_notice=print, start=False) as tracker:
            listeners = (tracker, log)
            result = run_pipeline(pipeline, force=True, listeners=listeners, **tracker.hooks, run_id=log.run_id)
        log.ended(mlflow=tracker.reference, closing=tracker.closing_lines)
    assert result.state == "succeeded", result.failure


def _ploomber(pipeline: Path) -> None:
    from ploomber.spec import DAGSpec

    os.chdir(pipeline)
    DAGSpec("pipeline.yaml").to_dag().build(force=True)


def _papermill(notebook: Path) -> None:
    import papermill

    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        papermill.execute_notebook(notebook, Path(folder) / "out.ipynb", cwd=notebook.parent, progress_bar=False)


if __name__ == "__main__":
    main()
