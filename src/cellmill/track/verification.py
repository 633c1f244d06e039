"""Keeps a verification's report in MLflow, beside the pipeline's runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from cellmill.track.store import URI_VARIABLE as _URI
from cellmill.track.store import Store, connect, find_experiment, find_store, patient_process, probe, reason


def record_verification(
    folder: Path, outcome: str, counts: Mapping[str, Mapping[str, int]], *artifacts: Path
) -> str | None:
    """Record a verification as a run of the pipeline's experiment, with its report as artifacts.

    Where the project has no tracking store yet, none is made for this.

    Parameters
    ----------
    folder
        The pipeline's folder.
    outcome
        What was found, in a word.
    counts
        How many cells and variables are in each state.
    artifacts
        The report's files.

    Returns
    -------
    str | None
        A sentence for the user if it could not be recorded.
    """
    from cellmill.notebook import project_root

    store = find_store(project_root(folder.resolve()).resolve())
    if not _is_there(store):
        return None
    try:
        with patient_process():
            _record(store, folder, outcome, counts, artifacts)
    except Exception as error:  # whatever a store raises: the proof stands without it
        return f"MLflow: the report is not recorded in {store.label} ({reason(error)})."
    return None


def _is_there(store: Store) -> bool:
    return store.database.exists() if store.database is not None else bool(os.environ.get(_URI, "").strip())


def _record(
    store: Store, folder: Path, outcome: str, counts: Mapping[str, Mapping[str, int]], artifacts: tuple[Path, ...]
) -> None:
    from cellmill.run.settings import read_settings
    from cellmill.track.writing import create, set_state

    if (why := probe(store)) is not None:
        raise OSError(why)
    client = connect(store)
    experiment, _ = find_experiment(client, store, read_settings(folder).experiment or folder.name)
    tags = {"cellmill.kind": "verification", "cellmill.pipeline": folder.name, "cellmill.verified": outcome}
    run_id = create(client, experiment, f"verify {folder.name}", None, tags, time.time())
    for side, states in counts.items():
        for state, count in states.items():
            client.log_metric(run_id, f"verified.{side}.{state}", count)
    for path in artifacts:
        client.log_artifact(run_id, str(path), "verification")
    set_state(client, run_id, "FINISHED", round(time.time() * 1000))
