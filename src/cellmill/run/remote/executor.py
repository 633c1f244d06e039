"""Ploomber's executor of a run whose tasks Dask workers execute; deciding, telling and keeping stay on this machine.

This module is imported when a run executes, never by ``import cellmill``: its base class lives in Ploomber.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ploomber.products import File  # noqa: TID253 - see the module's docstring

from cellmill.errors import CellmillError
from cellmill.run.engine import Execution
from cellmill.run.events import Event
from cellmill.run.executor import CellmillExecutor
from cellmill.run.failure import TaskFacts
from cellmill.run.products import products_of
from cellmill.run.remote.bundle import bundle, by_files
from cellmill.run.remote.cluster import Cluster, Resources, connected
from cellmill.run.remote.engine import ENGINE, RemoteTask, register
from cellmill.run.remote.storage import SharedProducts, Storage
from cellmill.run.resources import Room
from cellmill.run.settings import StepSettings

if TYPE_CHECKING:
    from ploomber import DAG
    from ploomber.tasks import Task

# Tasks that wait at the scheduler at once; each has a thread here.
_MOST_WAITING = 128
_EXCHANGE = ".exchange"


@dataclass
class RemoteRun:
    """Where a run's tasks are executed: by the workers of a scheduler, or by workers of its own on this machine.

    Attributes
    ----------
    scheduler
        The scheduler's address; None for workers of the run's own.
    """

    scheduler: str | None
    jobs: int | None
    usual_jobs: int
    shared_products: SharedProducts
    shared: Path | None

    @classmethod
    def of(cls, pipeline: Any, scheduler: str | None, jobs: int | None, usual_jobs: int) -> RemoteRun:
        """Open the storage that the pipeline names, or a folder beside its products.

        Raises
        ------
        CellmillError
            If the storage is not to be had.
        """
        url = pipeline.storage
        shared = pipeline.output / _EXCHANGE if url is None else None
        if shared is not None:
            # What a killed run has left; nobody else is here.
            shutil.rmtree(shared, ignore_errors=True)
        storage = Storage(url if url is not None else str(shared))
        shared_products = SharedProducts(storage, pipeline.name, pipeline.output, lasting=shared is None)
        return cls(scheduler, jobs, usual_jobs, shared_products, shared)

    def pull(self) -> list[str]:
        """Bring here what was made later elsewhere; give the names of its steps."""
        return self.shared_products.pull()

    @property
    def executor(self) -> type[DaskExecutor]:
        """The executor that such a run needs."""
        return DaskExecutor

    @contextmanager
    def connected(self, executor: CellmillExecutor) -> Iterator[None]:
        """Give an executor its workers.

        Raises
        ------
        CellmillError
            If there are none, or they are not what a run needs.
        """
        assert isinstance(executor, DaskExecutor)
        pipeline = executor.pipeline
        with ExitStack() as held:
            if self.shared is not None:
                self.shared.mkdir(parents=True, exist_ok=True)
                held.callback(shutil.rmtree, self.shared, ignore_errors=True)
            jobs = self.jobs or self.usual_jobs
            due = len(executor.reasons)
            cluster = Cluster(held.enter_context(connected(self.scheduler, min(jobs, due))))
            token = self.shared / "token" if self.shared is not None else None
            if token is not None:
                token.touch()
            cluster.check(token)
            if self.scheduler is None:
                cluster.leave_interrupts()
                executor.jobs = jobs
            else:
                executor.jobs = self.jobs or max(2, min(due, _MOST_WAITING))
                executor.asked = True
            executor.cluster, executor.shared_products = cluster, self.shared_products
            if self.shared is None:
                packed = bundle(pipeline)
                for text in (*map(_not_there, packed.missing), *by_files(pipeline.folder, executor.reasons)):
                    executor.emit(Event("notice", data={"text": text}))
                if not self.shared_products.storage.has(packed.name):
                    self.shared_products.storage.write(packed.name, packed.content)
                executor.code = (packed.name, packed.root)
            register()
            yield


@dataclass
class DaskExecutor(CellmillExecutor):
    """As its base, but notebooks are executed by Dask workers.

    Attributes
    ----------
    asked
        Whether steps' shares are Dask's to keep: the workers are not only this machine.
    """

    cluster: Cluster | None = None
    shared_products: SharedProducts | None = None
    code: tuple[str, Path] | None = None
    asked: bool = False
    _priorities: dict[str, float] = field(default_factory=dict)

    def _urgency(self, dag: DAG) -> dict[str, float]:
        self._priorities = super()._urgency(dag)
        return self._priorities

    def _make_room(self) -> Room:
        return _RemoteRoom(self._resources) if self.asked else super()._make_room()

    def _prepare(self, task: Task, facts: TaskFacts) -> Execution | None:
        execution = super()._prepare(task, facts)
        if execution is None:
            text = f"Step {task.name} is no notebook that Papermill runs, so it runs on this machine."
            self.emit(Event("notice", data={"text": text}))
            return None
        assert self.cluster is not None
        assert self.shared_products is not None
        names = self._names(task)
        task.executor_params = task.executor_params | {
            "engine_name": ENGINE,
            "remote_task": RemoteTask(
                cluster=self.cluster,
                shared_products=self.shared_products,
                code=self.code,
                folder=self.pipeline.folder,
                output=self.pipeline.output,
                products=names,
                upstream={name: _Made(self, one) for name, one in task.upstream.items()},
                resources=self._resources(task.name)[0] if self.asked else {},
                priority=self._priorities.get(task.name, 0.0),
            ),
        }
        return execution

    def _started(self, task: Task, attempt: int) -> Mapping[str, str]:
        variables = super()._started(task, attempt)
        store = variables.get("MLFLOW_TRACKING_URI", "")
        if self.code is not None and store.startswith(("sqlite:", "file:", "/")) and "mlflow" in str(task.source):
            text = (
                f"Step {task.name} uses MLflow, and a worker on another machine does not reach {store}: "
                "set MLFLOW_TRACKING_URI to a server."
            )
            self.emit(Event("notice", data={"text": text}))
        return variables

    def _finished(self, task: Task, execution: Execution | None, seconds: float) -> None:
        if execution is not None and self.shared_products is not None:
            try:
                marks = [self._name(product._path_to_metadata) for product in _files(task)]
                self.shared_products.publish(task.name, self._names(task), marks)
            except CellmillError as error:
                text = f"What step {task.name} made is here, but other machines will not find it: {error}"
                self.emit(Event("notice", data={"text": text}))
        super()._finished(task, execution, seconds)

    def _names(self, task: Task) -> tuple[str, ...]:
        """The task's products from the folder of products, the executed notebook first."""
        names = [self._name(product) for product in _files(task)]
        return tuple(sorted(names, key=lambda name: not name.endswith(".ipynb")))

    def _name(self, product: Any) -> str:
        path = Path(str(product))
        if not path.is_relative_to(self.pipeline.output):
            raise CellmillError(
                f"the product {path} lies outside of {self.pipeline.output}, from where it can't go to other machines",
                notebook=self.pipeline.folder / "pipeline.yaml",
                remedy="write it below {{here}}/output",
            )
        return path.relative_to(self.pipeline.output).as_posix()

    def _resources(self, name: str) -> tuple[Resources, str | None]:
        """What a step takes of a worker, and a sentence about what no worker has (so much of)."""
        assert self.cluster is not None
        step = self._settings(name)
        taken, missing = {}, []
        for key, wanted in (("CPU", step.cpus), ("MEMORY", step.memory or 0), ("GPU", step.gpus)):
            most = self.cluster.resources.get(key)
            if most is not None and wanted:
                taken[key] = float(min(wanted, most))
            if (most or 0) < wanted and (most is not None or key != "CPU"):
                missing.append(f"{key}={wanted:g}" if most is None else f"{key}={wanted:g} (the most is {most:g})")
        if not missing:
            return taken, None
        text = (
            f"Step {name} asks for {' and '.join(missing)}, and no worker declares so much (dask worker --resources)."
        )
        return taken, text


class _RemoteRoom(Room):
    """Room that is not this machine's to give: Dask keeps the steps' shares."""

    def __init__(self, resources: Any) -> None:
        super().__init__(0, None, ())
        self._resources = resources

    def excess(self, name: str, step: StepSettings) -> str | None:  # noqa: ARG002 - as its base
        text: str | None = self._resources(name)[1]
        return text

    def take(self, name: str, step: StepSettings) -> bool:
        self._held[name] = step
        self._devices[name] = ()
        return True


@dataclass(frozen=True)
class _Made:
    """The files that a task has left in the folder of products."""

    executor: DaskExecutor
    task: Any

    def __call__(self) -> tuple[str, ...]:
        names = self.executor._names(self.task)
        output = self.executor.pipeline.output
        # What the hand-over has written lies beside its manifest.
        beside = {
            file.relative_to(output).as_posix()
            for name in names
            if name.endswith(".json")
            for file in (output / name).parent.iterdir()
            if file.is_file() and not file.name.endswith(".metadata")
        }
        return tuple(dict.fromkeys([*(name for name in names if (output / name).exists()), *sorted(beside)]))


def _not_there(name: str) -> str:
    return f"The notebook reads {name}, which is not there, so it does not go to the workers."


def _files(task: Task) -> list[Any]:
    return [product for product in products_of(task) if isinstance(product, File)]
