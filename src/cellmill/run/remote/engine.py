"""Papermill's engine for a task whose notebook a worker executes: to Papermill and Ploomber it is like any other.

This module is imported when a run executes, never by ``import cellmill``: its base class lives in Papermill.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat  # noqa: TID253 - see the module's docstring
from papermill.engines import papermill_engines  # noqa: TID253

from cellmill.errors import CellmillError
from cellmill.run.engine import CellmillEngine, Execution
from cellmill.run.remote.cluster import Cluster, Resources
from cellmill.run.remote.job import Attempt, Outcome
from cellmill.run.remote.storage import SharedProducts

ENGINE = "cellmill-dask"


@dataclass(frozen=True)
class RemoteTask:
    """One task on its way to a worker.

    Attributes
    ----------
    products
        Names of the task's products from the folder of products; the executed notebook is the first.
    upstream
        By the upstream tasks' names the files that they have made.
    code
        The zip's name and the folder that it holds; None where the workers share the disk.
    """

    cluster: Cluster
    shared_products: SharedProducts
    code: tuple[str, Path] | None
    folder: Path
    output: Path
    products: tuple[str, ...]
    upstream: Mapping[str, Callable[[], tuple[str, ...]]]
    resources: Resources
    priority: float

    def run(self, notebook: Any, kernel: str, start_timeout: float, cell_timeout: Any, execution: Execution) -> Outcome:
        """Have the notebook executed."""
        job = self.cluster.job(
            step=execution.step,
            notebook=nbformat.writes(notebook),  # type: ignore[no-untyped-call]
            kernel=kernel,
            start_timeout=start_timeout,
            cell_timeout=cell_timeout,
            timeout=execution.timeout,
            memory_limit=execution.memory_limit,
            attempts=max(1, execution.attempts - execution.attempt),
            storage=self.shared_products.storage.url,
            place=self.shared_products.place(execution.step),
            code=self.code[0] if self.code is not None else None,
            root=self.code[1] if self.code is not None else self.folder,
            output=self.output,
            folder=Path(execution.folder) if execution.folder is not None else None,
            products=self.products,
            upstream=tuple(self.shared_products.upstream(name, files) for name, files in self.upstream.items()),
        )
        return self.cluster.run(job, execution, self.resources, self.priority)

    def fetch(self, outcome: Outcome, step: str) -> Any:
        """Bring here what a worker has made; give the executed notebook."""
        executed = f"{outcome.made.at}/{self.products[0]}"
        content = self.shared_products.storage.read(executed)
        if content is None:
            raise CellmillError(f"storage: there is no {executed} in {self.shared_products.storage.url}")
        wanted = {
            name: size
            for name, size in outcome.made.files.items()
            if name != self.products[0] and (outcome.failure is None or name.endswith(".metrics.json"))
        }
        self.shared_products.bring(Attempt(outcome.made.at, wanted))
        if outcome.failure is None:
            self.shared_products.made(step, outcome.made)
        return nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call]


class DaskEngine(CellmillEngine):
    """The engine ``cellmill-dask``; takes a :class:`RemoteTask` beside what ``cellmill`` takes."""

    @classmethod
    def execute_managed_notebook(  # type: ignore[override] # it always has one
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        execution: Execution,
        remote_task: RemoteTask,
        start_timeout: float = 60,
        **options: Any,
    ) -> None:
        """Have the notebook executed elsewhere, and take over what came of it."""
        notebook = copy.deepcopy(nb_man.nb)
        limit = options.get("execution_timeout") or options.get("timeout")
        forgiven = False
        while True:
            outcome = remote_task.run(notebook, kernel_name, start_timeout, limit, execution)
            execution.failure = failure = outcome.failure
            nb_man.nb = remote_task.fetch(outcome, execution.step)
            if failure is None or failure.kind == "stopped" or forgiven or not execution.forgiven(failure):
                break
            forgiven = True
            execution.retried(execution.attempt, failure)
        nb_man.save()
        if outcome.raised is not None:
            raise RuntimeError(outcome.raised)


def register() -> None:
    """Make the engine known to Papermill in this process; harmless when it is known."""
    papermill_engines.register(ENGINE, DaskEngine)
