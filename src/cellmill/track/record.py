"""What is recorded of a run and of its tasks: events in, params, metrics, tags and artifacts out."""

from __future__ import annotations

import getpass
import json
import math
import numbers
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellmill.run.events import Event
from cellmill.track.provenance import Pipeline, provenance_tags

STATUS: Mapping[str, str] = {"succeeded": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}

# What a scheduler says of a run that it starts: PIPELINE/NAME, when it was due, which code it runs; of a run in
# Airflow, to which DAG run it belongs.
_OF_SCHEDULES = ("schedule", "schedule_due", "snapshot", "airflow_run")
# MLflow's limits are 6000 for params and 8000 for tags; servers of other makers stop at 5000.
LONGEST_VALUE = 5000
DURATION = "duration_seconds"


@dataclass(frozen=True)
class Record:
    """What is to be added to one MLflow run.

    Attributes
    ----------
    artifacts
        Files, each with the folder it goes to in the run's artifacts.
    texts
        Artifacts that are no files yet: name and content.
    at
        When, in seconds since the epoch; the metrics' time.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[tuple[Path, str | None], ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0


def run_opening(pipeline: Pipeline, event: Event) -> Record:
    """Say what is known when a run starts."""
    tags = {
        "cellmill.kind": "run",
        "cellmill.pipeline": pipeline.name,
        "cellmill.run_id": event.data.get("run_id"),
        "cellmill.profile": event.data.get("profile"),
        "cellmill.tasks": ", ".join(map(str, event.data.get("tasks") or ())),
        "mlflow.user": _user(),
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.name": str(pipeline.notebook or pipeline.folder),
        **provenance_tags(pipeline),
        **{f"cellmill.{name}": os.environ.get(f"CELLMILL_{name.upper()}") for name in _OF_SCHEDULES},
    }
    return Record(
        params=as_params(event.data.get("parameters") or {}),
        tags=as_tags(tags),
        texts={"promotion.json": json.dumps(pipeline.promotion, indent=1)} if pipeline.promotion else {},
        at=event.at,
    )


def task_opening(pipeline: Pipeline, task: str, attempt: int) -> Record:
    """Say what is known before a task's kernel starts. No params: the author's own cells may log the same names."""
    tags = {
        "cellmill.kind": "task",
        "cellmill.pipeline": pipeline.name,
        "cellmill.task": task,
        "cellmill.attempt": str(attempt),
        "mlflow.user": _user(),
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.name": str(pipeline.notebook or pipeline.folder),
    }
    return Record(tags=as_tags(tags))


def task_closing(event: Event, parameters: Mapping[str, Any], folder: Path, started: float) -> Record:
    """Say how a task ended, from its ``task-finished``, ``task-failed`` or ``task-retried`` event.

    Parameters
    ----------
    parameters
        The task's parameters.
    folder
        The pipeline's folder.
    started
        When the attempt started, in seconds since the epoch; older files are of another run.
    """
    data = event.data
    failure = data.get("failure") or {}
    notebook = data.get("notebook") or failure.get("executed")
    report = data.get("report") or failure.get("report")
    manifest = _manifest(data.get("variables"), notebook, folder, str(event.task), started)
    metrics = {**(manifest.get("metrics") or {}), **(data.get("metrics") or {}), DURATION: data.get("seconds")}
    files = ((notebook, "notebook"), (report, "report"))
    texts = {"outputs.json": json.dumps(manifest, indent=1)} if manifest else {}
    if failure:
        texts["failure.txt"] = failure_text(failure)
    return Record(
        params=as_params(parameters),
        metrics=as_metrics(metrics),
        tags=as_tags({"cellmill.failure": failure.get("sentence"), "cellmill.failure_kind": failure.get("kind")}),
        artifacts=tuple((Path(path), place) for path, place in files if path and Path(path).is_file()),
        texts=texts,
        at=event.at,
    )


def run_closing(
    event: Event,
    skipped: Mapping[str, str],
    failures: Mapping[str, str],
    metrics: Mapping[str, Mapping[str, float]],
) -> Record:
    """Say how a run ended: state, what was skipped and why, what failed, and all metrics as ``task/metric``."""
    reasons: dict[str, list[str]] = {}
    for task, why in skipped.items():
        reasons.setdefault(why, []).append(task)
    tags = {
        "cellmill.state": event.data.get("state"),
        "cellmill.skipped": "; ".join(f"{why}: {', '.join(tasks)}" for why, tasks in reasons.items()) or None,
        "cellmill.failed_tasks": ", ".join(failures) or None,
        "cellmill.failure": next(iter(failures.values()), None),
    }
    of_tasks = {f"{task}/{name}": value for task, found in metrics.items() for name, value in found.items()}
    return Record(
        metrics={**as_metrics({DURATION: event.data.get("seconds")}), **of_tasks}, tags=as_tags(tags), at=event.at
    )


def failure_text(failure: Mapping[str, Any]) -> str:
    """Give all that is known of a failure, for people to read."""
    known = [f"{key}: {value}" for key, value in failure.items() if value and key not in ("sentence", "traceback")]
    return (
        "\n".join([str(failure.get("sentence", "")), "", *known, "", str(failure.get("traceback") or "")]).strip()
        + "\n"
    )


def as_params(values: Mapping[str, Any]) -> dict[str, str]:
    """Write parameters as MLflow keeps them: text, written as ``mlflow.log_param`` would."""
    return {_key(name): _short(str(value)) for name, value in values.items()}


def as_tags(values: Mapping[str, Any]) -> dict[str, str]:
    """Write tags as text and leave out those that have no value."""
    return {_key(name): _short(str(value)) for name, value in values.items() if value not in (None, "")}


def as_metrics(values: Mapping[str, Any]) -> dict[str, float]:
    """Keep what is a number; numpy's numbers and booleans count."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, numbers.Real) or hasattr(value, "__float__"):
            try:
                found[_key(name)] = float(value)
            except (TypeError, ValueError, OverflowError):
                found[_key(name)] = math.nan
    return found


def _manifest(variables: Any, notebook: Any, folder: Path, task: str, started: float) -> dict[str, Any]:
    """Read a task's manifest; a failed task has none, but what it had measured until then lies beside its notebook."""
    if variables:
        return _read_object(Path(variables))
    measured = (Path(notebook) if notebook else folder / "output" / task).with_suffix(".metrics.json")
    try:
        # File systems keep times less finely than the clock does.
        recent = measured.stat().st_mtime >= started - 2
    except OSError:
        return {}
    return _read_object(measured) if recent else {}


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _key(name: str) -> str:
    return re.sub(r"[^\w\-. /]", "_", str(name))[:250]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
