"""The process in which a run is recorded: `python -m cellmill.track.worker`, started and spoken to by the tracker.

MLflow takes seconds to import, and a thread would take them from the run's own start. The process also outlives the
run's: when the run's process is killed, the end of its input says so, and the run is recorded as killed.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from cellmill.lazy_imports import OF_MLFLOW, put_off
from cellmill.run.events import Event
from cellmill.track.recorder import Recorder
from cellmill.track.store import find_store, reason, warm_up


def main(folder: str, root: str) -> None:
    """Answer the tracker's lines until its input ends."""
    answers = _take_over_stdout()

    def say(**message: Any) -> None:
        # Nobody listens any more when the run's process was killed: what it has told is recorded all the same.
        with suppress(BrokenPipeError):
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    store = find_store(Path(root))
    recorder = Recorder(Path(folder), Path(root), store, lambda text: say(notice=text))
    lines: queue.Queue[str] = queue.Queue()
    # Read all the time, so that the run never waits for a full pipe.
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    try:
        with put_off(OF_MLFLOW):
            warm_up(store)
    except Exception as error:  # a broken installation of MLflow
        say(notice=f"MLflow can't be used ({reason(error)}): this run is not recorded.")
    while line := lines.get():
        request = json.loads(line)
        value = _answer(recorder, request)
        say(answer=request["number"], value=value, state=recorder.state.as_dict())
    recorder.abandon()
    # All is recorded, and nothing waits to be sent: to take MLflow apart in order takes half a second for nothing.
    sys.stderr.flush()
    os._exit(0)


def _answer(recorder: Recorder, request: dict[str, Any]) -> dict[str, str] | bool | None:
    if "deserted" in request:
        return recorder.deserted(request["deserted"])
    if "task" in request:
        return recorder.environment(request["task"])
    recorder.take(Event(**request["event"]))
    return None


def _read(lines: queue.Queue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put("")


def _take_over_stdout() -> TextIO:
    """Keep the pipe for answers; whatever prints goes to standard error."""
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


if __name__ == "__main__":
    main(*sys.argv[1:3])
