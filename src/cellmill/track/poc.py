"""Tracking while experimenting: the notebook's own cells log to the experiment ``poc/NOTEBOOK`` of the same store."""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
import time
import warnings
from pathlib import Path

from cellmill.track.environment import artifact_variables
from cellmill.track.record import Record, as_metrics
from cellmill.track.sink import Sink, TrackedRun
from cellmill.track.store import find_store, patience, reason


def poc_environment(notebook_path: Path) -> dict[str, str]:
    """Give what to set in a notebook's kernel so that its cells log to ``poc/NOTEBOOK``.

    Fast: nothing is opened or imported. The experiment is made by MLflow when a cell first logs. What the user set in
    the environment stays as it is.

    Parameters
    ----------
    notebook_path
        The notebook.

    Examples
    --------
    >>> poc_environment(Path("churn.ipynb"))["MLFLOW_EXPERIMENT_NAME"]
    'poc/churn'
    """
    from cellmill.notebook import project_root

    notebook = notebook_path.resolve()
    store = find_store(project_root(notebook))
    found = {"MLFLOW_TRACKING_URI": store.uri, **patience()}
    if not os.environ.get("MLFLOW_EXPERIMENT_NAME") and not os.environ.get("MLFLOW_EXPERIMENT_ID"):
        found["MLFLOW_EXPERIMENT_NAME"] = f"poc/{notebook.stem}"
    if not _chooses_store(notebook):
        found |= artifact_variables(store)
    return found


def log_poc_metric(name: str, value: float) -> str | None:
    """Log a metric from a notebook's cell.

    It goes to the run that the author's cells have open; if there is none, to a run of this kernel's session, which
    is not left open: the author's own ``mlflow.start_run()`` must work after it. Returns at once.

    Parameters
    ----------
    name, value
        The metric.

    Returns
    -------
    str | None
        A sentence for the user if an earlier metric could not be logged, or went elsewhere.
    """
    # Looked up, not imported: while the thread below imports MLflow nobody can have a run open, and nobody should wait.
    mlflow = sys.modules.get("mlflow")
    active_run = getattr(mlflow, "active_run", None)
    if mlflow is not None and active_run is not None and active_run() is not None:
        mlflow.log_metric(name, float(value))
        return _session.told()
    if os.environ.get("CELLMILL_VERIFYING"):
        # The notebook runs as its pipeline's proof; that is no experiment.
        return None
    _session.log(name, value)
    return _session.told()


def flush_poc_metrics(timeout: float | None = None) -> None:
    """Wait until the metrics logged so far are written."""
    _session.flush(timeout)


def _chooses_store(notebook: Path) -> bool:
    """Whether cells go to a store of their own, for which the project's artifact folder would be wrong."""
    try:
        return "set_tracking_uri" in notebook.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


class _Session:
    """One kernel's metrics, written by a thread: MLflow takes seconds to import, and a cell should not."""

    def __init__(self) -> None:
        self._work: queue.Queue[tuple[str, float, float]] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._notices: list[str] = []
        self._sink: Sink | None = None
        self._run: TrackedRun | None = None

    def log(self, name: str, value: float) -> None:
        """Take a metric."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="cellmill-poc", daemon=True)
            self._thread.start()
            atexit.register(self.flush, 30.0)
        self._work.put((name, value, time.time()))

    def told(self) -> str | None:
        """Give the oldest notice that was not given yet."""
        return self._notices.pop(0) if self._notices else None

    def flush(self, timeout: float | None) -> None:
        """Wait until all is written."""
        limit = time.monotonic() + timeout if timeout is not None else None
        while self._work.unfinished_tasks and (limit is None or time.monotonic() < limit):
            time.sleep(0.02)

    def _serve(self) -> None:
        # tqdm warns when MLflow imports it in a kernel; that would show under whatever cell runs by then.
        warnings.filterwarnings("ignore", message="Using `tqdm.autonotebook")
        while True:
            name, value, at = self._work.get()
            try:
                self._write(Record(metrics=as_metrics({name: value}), at=at), at)
            except Exception as error:  # a metric that can't be logged must not end the thread, let alone a cell
                self._notices.append(f"MLflow: the metric {name} is not recorded ({reason(error)}).")
            finally:
                self._work.task_done()

    def _write(self, record: Record, at: float) -> None:
        from cellmill.notebook import project_root

        if self._sink is None:
            root = project_root(Path.cwd())
            experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "poc"
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(at))
            self._sink = Sink(find_store(root), root, experiment, f"{experiment}-{stamp}", self._notices.append)
            tags = Record(tags={"cellmill.kind": "poc"})
            self._run = self._sink.start(f"metrics {stamp}", None, tags, at)
        assert self._run is not None
        self._sink.end(self._run, record, "FINISHED", time.time())
        self._sink.close()


_session = _Session()
