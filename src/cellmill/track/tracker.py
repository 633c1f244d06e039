"""The listener that turns a run's events into MLflow runs, in a thread of its own: the run never waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from cellmill.run.events import Event
from cellmill.track.journal import Journal
from cellmill.track.spool import list_spools
from cellmill.track.store import find_store, patient_process, reason, warm_up


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
        Takes each notice as it comes, from the tracker's own thread.

    Attributes
    ----------
    notices
        What the user should know, sentence by sentence.
    """

    def __init__(
        self, folder: Path, *, root: Path | None = None, on_notice: Callable[[str], None] | None = None
    ) -> None:
        from cellmill.notebook import project_root

        self.notices: list[str] = []
        self._folder = folder.resolve()
        self._root = (root or project_root(self._folder)).resolve()
        self._store = find_store(self._root)
        self._on_notice = on_notice
        self._journal: Journal | None = None
        self._patience = ExitStack()
        self._patience.enter_context(patient_process())
        self._work: queue.Queue[tuple[Callable[..., Any], tuple[Any, ...], Future[Any]] | None] = queue.Queue()
        # A daemon: if the run is torn down without an end, nothing waits for it.
        self._thread = threading.Thread(target=self._serve, name="cellmill-track", daemon=True)
        self._closed = False
        self._door = threading.Lock()
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take an event; returns at once, but for ``run-finished``, which waits until all is recorded."""
        if event.kind in ("cell-started", "notice"):
            return
        done = self._ask(self._take, event)
        if event.kind == "run-finished":
            done.result()
            self.close()

    def task_environment(self, task: str) -> dict[str, str]:
        """Give the environment variables for a task's kernel; waits until the task's MLflow run is there."""
        found = self._ask(self._environment, task).result()
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        """End the recording. A run whose end was not told is recorded as killed."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._work.put((self._abandon, (), Future()))
            self._work.put(None)
        self._thread.join()
        self._patience.close()

    @property
    def run_id(self) -> str | None:
        """The MLflow run's id, in the store or, where that was not to be had, in the spool."""
        run = self._journal.run if self._journal else None
        return (run.server_id or run.spool_id) if run else None

    @property
    def experiment_id(self) -> str | None:
        """The MLflow experiment's id."""
        return self._journal.sink.experiment_id if self._journal else None

    @property
    def url(self) -> str | None:
        """Where the run is shown: on the server, or where ``mlflow ui`` will show it; None if it waits in a spool."""
        if self.run_id is None or self.experiment_id is None or self._spooled:
            return None
        base = self._store.label.rstrip("/") if self._store.is_server else "http://127.0.0.1:5000"
        return f"{base}/#/experiments/{self.experiment_id}/runs/{self.run_id}"

    @property
    def closing_lines(self) -> list[str]:
        """How to look at what was recorded, for the end of a run's output."""
        if self._spooled:
            return ["MLflow: this run waits to be sent; when the server is back, type: cellmill track push"]
        if self.url is None or self._journal is None:
            return []
        lines = [f"MLflow: experiment {self._journal.experiment}, run {self.run_id}"]
        if not self._store.is_server:
            lines.append(f'  mlflow ui --backend-store-uri "{self._store.label}"')
        return [*lines, f"  {self.url}"]

    @property
    def _spooled(self) -> bool:
        return self._journal is not None and self._journal.sink.spool is not None

    def _take(self, event: Event) -> None:
        if event.kind == "run-started":
            self._tell_of_spools()
            self._journal = Journal(self._folder, self._root, self._store, self._notice, event)
        elif self._journal is not None:
            self._journal.take(event)

    def _environment(self, task: str) -> dict[str, str]:
        return self._journal.environment(task) if self._journal else {}

    def _abandon(self) -> None:
        if self._journal is not None:
            self._journal.abandon()

    def _tell_of_spools(self) -> None:
        waiting = len(list_spools(self._root))
        if waiting:
            runs = "1 earlier run waits" if waiting == 1 else f"{waiting} earlier runs wait"
            self._notice(f"MLflow: {runs} in .cellmill/spool to be sent; type: cellmill track push")

    def _ask(self, what: Callable[..., Any], *arguments: Any) -> Future[Any]:
        answer: Future[Any] = Future()
        with self._door:
            if self._closed:
                answer.set_result(None)
            else:
                self._work.put((what, arguments, answer))
        return answer

    def _serve(self) -> None:
        self._guarded(warm_up, self._store)
        while (item := self._work.get()) is not None:
            what, arguments, answer = item
            answer.set_result(self._guarded(what, *arguments))

    def _guarded(self, what: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return what(*arguments)
        except Exception as error:  # a run must not fail because it could not be described
            self._notice(f"MLflow: a part of this run is not recorded ({reason(error)}).")
            return None

    def _notice(self, text: str) -> None:
        if text in self.notices:
            return
        self.notices.append(text)
        if self._on_notice is not None:
            with suppress(Exception):  # a display that fails must not end this thread, which others wait for
                self._on_notice(text)
