"""Ends in MLflow what earlier runs left open there because the process that recorded them was killed, too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cellmill.errors import CellmillError
from cellmill.run.history import LoggedRun, read_run
from cellmill.track.record import STATUS
from cellmill.track.writing import PARENT, set_state

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

CUT_OFF = "cellmill.recording"


def end_what_was_left(client: MlflowClient, experiment_id: str, root: Path, pipeline: str, own: str | None) -> None:
    """Give the pipeline's earlier runs that MLflow takes for running the end that the project's own records tell.

    Runs that this project has no record of are left alone: they may run elsewhere.

    Parameters
    ----------
    client, experiment_id
        Where the runs are.
    root
        The project's root.
    pipeline
        The pipeline's name.
    own
        The id of the run that is recorded now.
    """
    for found in _running(client, experiment_id):
        tags = found.data.tags
        run_id = tags.get("cellmill.run_id") if tags.get("cellmill.pipeline") == pipeline else None
        told = _ended(root, run_id) if run_id and run_id != own else None
        if told is not None:
            # Said there, as what its cells and tasks gave is not all in it.
            client.set_tag(found.info.run_id, CUT_OFF, "cut off: the recording process ended before the run")
            _end(client, found, STATUS.get(told.state, "KILLED"), round((told.ended or told.started) * 1000))


def _ended(root: Path, run_id: str) -> LoggedRun | None:
    try:
        told = read_run(root, run_id)
    except CellmillError:
        return None
    return None if told.goes_on else told


def _end(client: MlflowClient, run: Run, status: str, at: int) -> None:
    # Of its parts nobody has told how they ended, unless all went well.
    for part in _running(client, run.info.experiment_id):
        if part.data.tags.get(PARENT) == run.info.run_id:
            _end(client, part, status if status == "FINISHED" else "KILLED", at)
    set_state(client, run.info.run_id, status, max(at, run.info.start_time))


def _running(client: MlflowClient, experiment_id: str) -> list[Run]:
    return list(client.search_runs([experiment_id], "attributes.status = 'RUNNING'", max_results=1000))
