"""The listener that has a run recorded in MLflow, by a process of its own: the run does not wait for MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from cellmill.run.events import Event
from cellmill.run.failure import Failure
from cellmill.track.kept_recorder import ForkedRecorder, fork_recorder
from cellmill.track.recorder import State
from cellmill.track.self_logging import may_log
from cellmill.track.store import find_store, patience

# Seconds for the recording process to end after it has answered everything.
LONGEST_GOODBYE = 10


class Tracker:
    """Records one run of a pipeline in MLflow.

    Give it to ``run_pipeline`` as a listener and its ``task_environment`` as the kernels' environment. It never raises
    into the run: what it could not do is a sentence in ``notices``.

    Parameters
    ----------
    folder
        The pipeline's folder.
    root
        The project's root; found from ``folder`` if not given.
    on_notice
        Takes each notice as it comes, from a thread of the tracker's.
    start
        Start the recording process now; otherwise :meth:`start` does, and a run without it is not recorded.

    Attributes
    ----------
    notices
        What the user should know, sentence by sentence.
    """

    def __init__(
        self,
        folder: Path,
        *,
        root: Path | None = None,
        on_notice: Callable[[str], None] | None = None,
        start: bool = True,
    ) -> None:
        from cellmill.notebook import project_root

        self.notices: list[str] = []
        folder = folder.resolve()
        root = (root or project_root(folder)).resolve()
        self._store = find_store(root)
        self._on_notice = on_notice
        self._state = State()
        self._open: dict[int, Future[Any]] = {}
        self._asked = 0
        self._closed = False
        self._ended = False
        self._door = threading.Lock()
        self._process: subprocess.Popen[str] | ForkedRecorder | None = None
        self._reader = threading.Thread(target=self._read, name="cellmill-track", daemon=True)
        self._places = (folder, root)
        self._may_log: bool | None = None
        if start:
            self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def hooks(self) -> dict[str, Any]:
        """What a run asks of its tracker, as ``run_pipeline`` and ``run_sweep`` take it."""
        return {"task_environment": self.task_environment, "forgive": self.forgives, "before_work": self.start}

    def start(self) -> None:
        """Start the recording process, which needs some seconds until it has imported MLflow."""
        try:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has ended
            self._process = _start(*self._places, self._errors)
        except OSError as error:
            self._notice(f"MLflow: this run is not recorded ({error}).")
        else:
            self._reader.start()

    def __call__(self, event: Event) -> None:
        """Take an event; returns at once, but for ``run-finished``, which waits until all is recorded."""
        if event.kind == "run-started" and event.data.get("due") == []:
            # The runs that made what is there are recorded; an empty one would only hide them.
            self.close()
        if event.kind in ("run-queued", "cell-started", "notice") or self._closed:
            return
        if event.kind == "run-started" and self._may_log is None:
            workdir = event.data.get("workdir")
            self._may_log = may_log(self._places[0], Path(workdir) if workdir else None)
        done = self._ask(event=event.as_dict())
        if event.kind == "run-finished":
            done.result()
            self.close()

    def task_environment(self, task: str) -> dict[str, str]:
        """Give the environment variables for a task's kernel; waits until the task's MLflow run is there.

        Where nothing of the pipeline's can look for them, there are none, and nobody waits.
        """
        if self._may_log is False:
            return {}
        found = self._ask(task=task).result()
        return found if isinstance(found, dict) else {}

    def forgives(self, failure: Failure) -> bool:
        """Say whether a task failed because its own MLflow calls met a tracking server that had gone away.

        It can then be run again: what it records goes to the spool.
        """
        if "mlflow" not in failure.traceback.lower():
            return False
        return self._ask(deserted=failure.task).result() is True

    def close(self) -> None:
        """End the recording. A run whose end was not told is recorded as killed."""
        process = self._process
        with self._door:
            if process is None or self._closed:
                return
            self._closed = True
            if not self._asked:
                # The run was refused: no need to wait until the process has imported MLflow.
                process.kill()
            with suppress(OSError):
                _input(process).close()
        # It ends by itself, once it has recorded what there is; how long that takes depends on the server.
        self._reader.join()
        try:
            process.wait(LONGEST_GOODBYE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _output(process).close()
        self._errors.close()

    @property
    def run_id(self) -> str | None:
        """The MLflow run's id, in the store or, where that was not to be had, in the spool."""
        return self._state.run_id

    @property
    def experiment_id(self) -> str | None:
        """The MLflow experiment's id."""
        return self._state.experiment_id

    @property
    def url(self) -> str | None:
        """Where the run is shown: on the server, or where ``mlflow ui`` will show it; None if it waits in a spool."""
        if self.run_id is None or self.experiment_id is None or self._state.spooled:
            return None
        base = self._store.label.rstrip("/") if self._store.is_server else "http://127.0.0.1:5000"
        return f"{base}/#/experiments/{self.experiment_id}/runs/{self.run_id}"

    @property
    def logged(self) -> dict[str, dict[str, float]]:
        """By task the metrics that its own cells logged with MLflow, of tasks that ran."""
        return self._state.logged

    @property
    def reference(self) -> dict[str, str | None] | None:
        """Where the run is recorded: ``url``, ``experiment`` and what to type to see it; None if it is not (yet)."""
        if self.url is None:
            return None
        command = None if self._store.is_server else f'mlflow ui --backend-store-uri "{self._store.label}"'
        return {"url": self.url, "experiment": self._state.experiment, "ui_command": command}

    @property
    def closing_lines(self) -> list[str]:
        """How to look at what was recorded, for the end of a run's output."""
        if self._state.spooled:
            return ["MLflow: this run waits to be sent; when the server is back, type: cellmill track push"]
        if self.url is None:
            return []
        lines = [f"MLflow: experiment {self._state.experiment}, run {self.run_id}"]
        if not self._store.is_server:
            lines.append(f'  mlflow ui --backend-store-uri "{self._store.label}"')
        return [*lines, f"  {self.url}"]

    def _ask(self, **request: Any) -> Future[Any]:
        answer: Future[Any] = Future()
        with self._door:
            self._asked += 1
            try:
                if self._process is None or self._closed or self._ended:
                    raise BrokenPipeError
                self._open[self._asked] = answer
                _input(self._process).write(json.dumps({"number": self._asked, **request}, default=str) + "\n")
                _input(self._process).flush()
            except OSError:
                self._open.pop(self._asked, None)
                answer.set_result(None)
        return answer

    def _read(self) -> None:
        assert self._process is not None
        for line in _output(self._process):
            self._take_message(json.loads(line))
        with self._door:
            self._ended = True
            unanswered, self._open = self._open, {}
            unexpected = not self._closed
        if unexpected:
            self._notice(
                f"MLflow: the rest of this run is not recorded, the recording process ended{self._last_words()}."
            )
        for answer in unanswered.values():
            answer.set_result(None)

    def _take_message(self, message: dict[str, Any]) -> None:
        if "notice" in message:
            self._notice(message["notice"])
            return
        self._state = State(**message["state"])
        with self._door:
            answer = self._open.pop(message["answer"], None)
        if answer is not None:
            answer.set_result(message["value"])

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:160]})" if lines else ""

    def _notice(self, text: str) -> None:
        if text in self.notices:
            return
        self.notices.append(text)
        if self._on_notice is not None:
            with suppress(Exception):  # a display that fails must not end this thread, which others wait for
                self._on_notice(text)


def _start(folder: Path, root: Path, errors: IO[bytes]) -> subprocess.Popen[str] | ForkedRecorder:
    variables = {**os.environ, **patience()}
    if (forked := fork_recorder(folder, root, variables, errors)) is not None:
        return forked
    # -P: the current folder may hold a file of the user's that is named like a library.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "cellmill.track.worker", str(folder), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        env=variables,
        # Ctrl-C stops the run, whose end is then recorded.
        start_new_session=True,
    )


def _input(process: subprocess.Popen[str] | ForkedRecorder) -> IO[str]:
    assert process.stdin is not None
    return process.stdin


def _output(process: subprocess.Popen[str] | ForkedRecorder) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
