"""The calls that put records into an MLflow store, within the limits of its interface."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from cellmill.track.record import Record
from cellmill.track.store import raw_store

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

T = TypeVar("T")

PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
AUTHORS_NAME = "cellmill.author_run_name"


def create(
    client: MlflowClient,
    experiment_id: str,
    name: str,
    parent_id: str | None,
    tags: Mapping[str, str],
    started: float,
) -> str:
    """Make a run and give its id."""
    parent = {PARENT: parent_id} if parent_id else {}
    run = client.create_run(experiment_id, start_time=round(started * 1000), tags={**tags, **parent}, run_name=name)
    return str(run.info.run_id)


def write(client: MlflowClient, run_id: str, record: Record, *, alone: bool = False) -> None:
    """Add a record to a run. Writing the same record twice gives what writing it once gives.

    Parameters
    ----------
    alone
        Nobody else has written there.
    """
    from mlflow.entities import Metric, Param, RunTag

    params = _new_params(client, run_id, record.params) if record.params and not alone else record.params
    at = round(record.at * 1000)
    metrics = [Metric(name, _storable(value), at, 0) for name, value in record.metrics.items()]
    log_all(
        client,
        run_id,
        metrics,
        [Param(name, value) for name, value in params.items()],
        [RunTag(name, value) for name, value in record.tags.items()],
    )
    for path, place in record.artifacts:
        client.log_artifact(run_id, str(path), place)
    for name, text in record.texts.items():
        client.log_text(run_id, text, name)


def log_all(
    client: MlflowClient, run_id: str, metrics: Sequence[Metric], params: Sequence[Param], tags: Sequence[RunTag]
) -> None:
    """Log any number of each; MLflow takes 1000 metrics, 100 params, 100 tags and 1000 of all at once."""
    for points in in_parts(metrics, 1000):
        client.log_batch(run_id, metrics=points)
    for values in in_parts(params, 100):
        client.log_batch(run_id, params=values)
    for words in in_parts(tags, 100):
        client.log_batch(run_id, tags=words)


def end_all(client: MlflowClient, run_id: str, name: str, status: str, at: float) -> None:
    """Set a run's final state and name, and end the author's runs inside it that a dead kernel left open."""
    run = client.get_run(run_id)
    if run.info.run_name != name:
        client.set_tag(run_id, AUTHORS_NAME, run.info.run_name)
    set_state(client, run_id, status, round(at * 1000), name)
    left = client.search_runs(
        [run.info.experiment_id], f"tags.`{PARENT}` = '{run_id}' and attributes.status = 'RUNNING'", max_results=1000
    )
    for child in left:
        if "cellmill.kind" not in child.data.tags:
            set_state(client, child.info.run_id, status, round(at * 1000))


def settle(client: MlflowClient, run_id: str, status: str, at: float) -> None:
    """Set a run's state if it is another one."""
    if client.get_run(run_id).info.status != status:
        set_state(client, run_id, status, round(at * 1000))


def set_state(client: MlflowClient, run_id: str, status: str, ended: int | None, name: str | None = None) -> None:
    """Set a run's state, its end in milliseconds, and its name if one is given.

    By the store itself: ``MlflowClient.set_terminated`` prints addresses into the middle of a run's display.
    """
    from mlflow.entities import RunStatus

    raw_store(client.tracking_uri).update_run_info(run_id, RunStatus.from_string(status), ended, name)


def move(client: MlflowClient, run_id: str, parent_id: str, name: str) -> None:
    """Put a run under another one, by another name."""
    client.set_tag(run_id, PARENT, parent_id)
    client.update_run(run_id, name=name)


def in_parts(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut a sequence into lists of at most ``size``."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _new_params(client: MlflowClient, run_id: str, params: Mapping[str, str]) -> dict[str, str]:
    """Leave alone what the author's cells logged: MLflow takes a param once. Ours then goes by ``pipeline.NAME``."""
    there = client.get_run(run_id).data.params
    found: dict[str, str] = {}
    for name, value in params.items():
        if there.get(name, value) == value:
            found[name] = value
        elif there.get(f"pipeline.{name}", value) == value:
            found[f"pipeline.{name}"] = value
    return found


def _storable(value: float) -> float:
    # SQL stores write infinities as the largest number themselves; servers of other makers refuse them.
    return math.copysign(1.7976931348623157e308, value) if math.isinf(value) else value
