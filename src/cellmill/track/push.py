"""Sends what a spool keeps to its tracking server: again and again if need be, without leaving anything twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError
from cellmill.track.models import Models
from cellmill.track.spool import CONTINUES, SENT_FROM, Spool, held, list_spools, remove_spool
from cellmill.track.store import Store, connect, find_experiment, patient_process, probe, read_uri, reason, warm_up
from cellmill.track.traces import send_traces
from cellmill.track.writing import RUN_NAME, log_all, set_state

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run
    from mlflow.tracking import MlflowClient


@dataclass(frozen=True)
class Sent:
    """What one spool's sending came to.

    Attributes
    ----------
    spool
        The spool; gone from disk unless ``problem`` says why not.
    target
        Where it was sent to.
    runs
        How many MLflow runs arrived.
    problem
        None if all arrived.
    """

    spool: Spool
    target: str
    runs: int = 0
    problem: str | None = None


def push_spools(root: Path, *, to: str | None = None, report: Callable[[Sent], None] | None = None) -> list[Sent]:
    """Send all spools of a project, oldest first.

    Parameters
    ----------
    root
        The project's root.
    to
        Another tracking address than the one that each spool was meant for.
    report
        Called after each spool.

    Returns
    -------
    list of Sent
        One for each spool. One that failed does not keep the others from being sent.
    """
    results = []
    silent: dict[str, str] = {}
    with patient_process():
        for spool in list_spools(root):
            store = read_uri(to or spool.target, Path.cwd(), root)
            if store.uri not in silent:
                warm_up(store)
                silent[store.uri] = probe(store) or ""
            result = _send_one(spool, store, silent[store.uri])
            results.append(result)
            if report is not None:
                report(result)
    return results


def _send_one(spool: Spool, store: Store, silence: str) -> Sent:
    if silence:
        return Sent(spool, store.label, problem=f"{store.label} does not answer ({silence})")
    try:
        with held(spool.lock) as free:
            if not free:
                return Sent(spool, store.label, problem="its run is still going on, or it is being sent already")
            sending = _Sending(spool, store)
            runs = sending.send()
            remove_spool(spool)
    except CellmillError as error:
        return Sent(spool, store.label, problem=error.message)
    except Exception as error:  # what MLflow, its database drivers and requests raise; the spool stays
        return Sent(spool, store.label, problem=reason(error))
    return Sent(spool, store.label, runs=runs)


@dataclass
class _Progress:
    """What arrived already, kept in the spool, so that an interrupted sending goes on where it stopped."""

    file: Path
    done: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, file: Path, target: str) -> _Progress:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = {}
        # Ids of one server mean nothing on another.
        return cls(file, set(content["done"]) if content.get("target") == target else set())

    def add(self, run_id: str, target: str) -> None:
        self.done.add(run_id)
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps({"target": target, "done": sorted(self.done)}), encoding="utf-8")
        draft.replace(self.file)


class _Sending:
    """One spool on its way to one store."""

    def __init__(self, spool: Spool, store: Store) -> None:
        self._spool = spool
        self._store = store
        self._from: MlflowClient = connect(spool.store)
        self._to: MlflowClient = connect(store)
        self._experiments: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._progress = _Progress.read(spool.folder / "sent.json", store.uri)

    def send(self) -> int:
        """Send everything; gives the number of runs."""
        runs = self._runs()
        for run in runs:
            self._ids[run.info.run_id] = self._counterpart(run)
        models = Models(self._spool, self._from, self._to, self._experiments, self._ids)
        models.send()
        for run in runs:
            if run.info.run_id not in self._progress.done:
                self._send_run(run, models)
                self._progress.add(run.info.run_id, self._store.uri)
        models.register()
        send_traces(self._from, self._to, self._experiments, self._ids)
        return len(runs)

    def _runs(self) -> list[Run]:
        """Give all runs, parents before what they hold."""
        found: list[Run] = []
        for experiment in self._from.search_experiments():
            token = None
            while True:
                page = self._from.search_runs([experiment.experiment_id], max_results=1000, page_token=token)
                found += page
                token = page.token
                if not token:
                    break
            if any(run.info.experiment_id == experiment.experiment_id for run in found) or self._holds(experiment):
                target_id, _ = find_experiment(self._to, self._store, experiment.name)
                self._experiments[experiment.experiment_id] = target_id
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    def _holds(self, experiment: Any) -> bool:
        """Whether an experiment without runs holds anything else."""
        return bool(
            self._from.search_logged_models([experiment.experiment_id], max_results=1)
            or self._from.search_traces(locations=[experiment.experiment_id], max_results=1)
        )

    def _counterpart(self, run: Run) -> str:
        """Find the run on the server, or make it. Its tag tells a later sending that it is there."""
        run_id = run.info.run_id
        continues = run.data.tags.get(CONTINUES)
        if continues and self._spool.target == self._store.uri and self._exists(continues):
            return continues
        experiment_id = self._experiments[run.info.experiment_id]
        there = self._to.search_runs([experiment_id], f"tags.`{SENT_FROM}` = '{run_id}'", max_results=1)
        if there:
            return str(there[0].info.run_id)
        made = self._to.create_run(
            experiment_id, start_time=run.info.start_time, tags={SENT_FROM: run_id}, run_name=run.info.run_name
        )
        return str(made.info.run_id)

    def _exists(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            return bool(self._to.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise

    def _send_run(self, run: Run, models: Models) -> None:
        from mlflow.entities import Param, RunTag

        there = self._to.get_run(self._ids[run.info.run_id])
        target_id = there.info.run_id
        tags = {name: self._mapped(value) for name, value in run.data.tags.items() if name != CONTINUES}
        log_all(
            self._to,
            target_id,
            self._missing_metrics(run, target_id, models),
            [Param(name, value) for name, value in run.data.params.items() if there.data.params.get(name) != value],
            [RunTag(name, value) for name, value in tags.items() if there.data.tags.get(name) != value],
        )
        models.link(run, there)
        self._send_artifacts(run, target_id)
        # A run that was never ended belongs to a process that died.
        status = "KILLED" if run.info.status == "RUNNING" else run.info.status
        set_state(self._to, target_id, status, run.info.end_time, tags.get(RUN_NAME, run.info.run_name))

    def _mapped(self, text: str) -> str:
        """Put the server's ids where a value speaks of runs in the spool, its parent above all."""
        for spooled, sent in self._ids.items():
            text = text.replace(spooled, sent)
        return text

    def _missing_metrics(self, run: Run, target_id: str, models: Models) -> list[Metric]:
        """Give each point of each metric that the server has not got yet."""
        missing: list[Metric] = []
        for name in run.data.metrics:
            there = {_point(metric) for metric in self._to.get_metric_history(target_id, name)}
            here = self._from.get_metric_history(run.info.run_id, name)
            missing += [models.attach(metric, run.info.run_id) for metric in here if _point(metric) not in there]
        return missing

    def _send_artifacts(self, run: Run, target_id: str) -> None:
        folder = self._spool.local(run.info.artifact_uri)
        here = {file.relative_to(folder).as_posix(): file.stat().st_size for file in _all_files(folder)}
        if not here:
            return
        self._to.log_artifacts(target_id, str(folder))
        there = dict(_files(self._to, target_id))
        lost = [path for path, size in here.items() if path not in there or there[path] not in (size, None)]
        if lost:
            raise CellmillError(f"the artifact {lost[0]} of {run.info.run_name} did not arrive whole")


def _point(metric: Metric) -> tuple[str, int, int]:
    # repr, as nan is not equal to itself.
    return (repr(metric.value), metric.timestamp, metric.step)


def _all_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _files(client: MlflowClient, run_id: str, folder: str = "") -> Iterator[tuple[str, int | None]]:
    """Give a run's artifacts with their sizes."""
    for entry in client.list_artifacts(run_id, folder or None):
        if entry.is_dir:
            yield from _files(client, run_id, entry.path)
        else:
            yield entry.path, entry.file_size


def counts(results: list[Sent]) -> Mapping[str, int]:
    """Count what arrived, by target."""
    found: dict[str, int] = {}
    for result in results:
        if result.problem is None:
            found[result.target] = found.get(result.target, 0) + result.runs
    return found
