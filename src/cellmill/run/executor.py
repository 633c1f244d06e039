"""Ploomber's executor of a cellmill run: decides task by task, executes up to so many at once, tells what happens.

This module is imported when a run executes, never by ``import cellmill``: its base class lives in Ploomber.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_event_loop
from ploomber.constants import TaskStatus  # noqa: TID253 - see the module's docstring
from ploomber.exceptions import DAGBuildError  # noqa: TID253
from ploomber.executors.abc import Executor  # noqa: TID253
from ploomber.executors.serial import build_in_subprocess  # noqa: TID253
from ploomber.products import File  # noqa: TID253
from ploomber.tasks import NotebookRunner  # noqa: TID253

from cellmill.run.durations import past_seconds, remaining_seconds
from cellmill.run.engine import ENGINE, CellFailure, Execution, Moment, failed_cell
from cellmill.run.events import Event
from cellmill.run.failure import Failure, TaskFacts, failure_of_cell, failure_of_exception
from cellmill.run.folder import PipelineFolder
from cellmill.run.kernel_environment import inherited_environment
from cellmill.run.origin import Origin
from cellmill.run.products import Products, products_of, recorded_metrics
from cellmill.run.reasons import Reason
from cellmill.run.report import write_report
from cellmill.run.resources import Room
from cellmill.run.result import TaskResult
from cellmill.run.selection import Selection
from cellmill.run.settings import StepSettings
from cellmill.run.skipped import UP_TO_DATE, told_not_run, told_up_to_date
from cellmill.run.stop import StopSwitch, first_ended
from cellmill.run.warm import WarmPool, pipeline_imports
from cellmill.run.whole_products import aside, keep_whole, write_whole

if TYPE_CHECKING:
    from ploomber import DAG
    from ploomber.tasks import Task


@dataclass
class CellmillExecutor(Executor):  # type: ignore[misc] # Ploomber is untyped
    """Runs the tasks of one DAG, each as soon as its upstream tasks are done, in the order of pipeline.yaml.

    At most ``jobs`` run at once, each in a kernel of its own. A task whose upstream failed does not run; independent
    ones go on, as with Ploomber's own executor.
    """

    pipeline: PipelineFolder
    selection: Selection
    order: list[str]
    emit: Callable[[Event], None]
    stop: StopSwitch
    environment: Callable[[str], Mapping[str, str]] = lambda _: {}
    forgive: Callable[[Failure], bool] = lambda _: False
    beside: Callable[[str, Moment, Any], str | None] = lambda _task, _moment, _cell: None
    pool: WarmPool | None = None
    inherited: Mapping[str, str] = field(default_factory=inherited_environment)
    jobs: int = 1
    reasons: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    results: dict[str, TaskResult] = field(default_factory=dict)
    _room: Room | None = None

    def __call__(self, dag: DAG, show_progress: bool = False) -> list[Any]:  # noqa: ARG002 - Ploomber's signature
        """Execute the DAG; Ploomber calls this.

        Raises
        ------
        DAGBuildError
            If a task failed or the run was stopped; the reasons are in :attr:`results`.
        """
        super().__call__(dag)
        write_whole(self.pipeline.output)
        # Where it is all of them, they were rendered so.
        for name in self.order if self.selection.names is not None else ():
            if name in self.selection.forced:
                dag[name].render(force=True)
        reports: list[Any] = []
        self._use_pool(dag)
        if self.jobs > 1:
            self._side_by_side(dag, reports)
        else:
            for name in self.order:
                if self._is_due(dag[name]):
                    self._execute(dag[name], reports)
        bad = [result for result in self.results.values() if result.state in ("failed", "stopped")]
        if bad or self.stop.requested:
            raise DAGBuildError("\n".join(result.failure.sentence for result in bad if result.failure))
        return reports

    def _use_pool(self, dag: DAG) -> None:
        """Tell the pool how many kernels it has to give, or do without it."""
        if self.pool is None:
            return
        asked = [name for name in self.order if self.selection.asks_for(name)]
        due = [name for name in asked if dag[name].exec_status != TaskStatus.Skipped]
        self.pool.expected = len(due)
        if len(due) == 1 and not self.pool.is_ready:
            file = self._file(dag[due[0]])
            own = pipeline_imports(self.pipeline.code, [file] if file is not None else [], self.pipeline.workdir)
            if not self.pool.imports <= set(own):
                # One kernel alone is there sooner without what only other steps import.
                self.pool = None

    def _side_by_side(self, dag: DAG, reports: list[Any]) -> None:
        """Execute whatever may run, each in a thread that waits for its kernel; first what most waits for."""
        waiting = list(self.order)
        running: dict[Future[None], str] = {}
        urgency = self._urgency(dag)
        room = self._room = self._make_room()
        self._tell_excess(room)
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="cellmill-task") as threads:
            try:
                while waiting or running:
                    # Sorting keeps the pipeline's order among equals.
                    for name in sorted(self._ready(dag, waiting), key=lambda name: -urgency[name]):
                        if len(running) == self.jobs:
                            break
                        if room.take(name, self._settings(name)):
                            waiting.remove(name)
                            running[threads.submit(self._execute_aside, dag[name], reports)] = name
                    if running:
                        for one in first_ended(running):
                            room.leave(running.pop(one))
                            one.result()
            except BaseException:
                # The threads end when their kernels have.
                self.stop.request()
                raise

    def _ready(self, dag: DAG, waiting: list[str]) -> list[str]:
        """The tasks that may start now; those that will not run at all are told and no longer wait."""
        ready = []
        for name in tuple(waiting):
            if any(upstream in waiting or upstream not in self.results for upstream in dag[name].upstream):
                continue
            if self._is_due(dag[name]):
                ready.append(name)
            else:
                waiting.remove(name)
        return ready

    def _urgency(self, dag: DAG) -> dict[str, float]:
        due = [name for name in self.order if name in self.reasons]
        upstream = {name: set(dag[name].upstream) for name in self.order}
        seconds = past_seconds(self.pipeline.folder, due) if len(due) > self.jobs else {}
        return remaining_seconds(self.order, upstream, due, seconds)

    def _make_room(self) -> Room:
        return Room.of_machine(self.jobs)

    def _tell_excess(self, room: Room) -> None:
        for name in self.order:
            if name in self.reasons and (text := room.excess(name, self._settings(name))) is not None:
                self.emit(Event("notice", data={"text": text}))

    def _settings(self, name: str) -> StepSettings:
        return self.pipeline.steps.get(name, StepSettings())

    def _execute_aside(self, task: Task, reports: list[Any]) -> None:
        """Execute in a thread, and close the event loop that Jupyter's clients have made in it."""
        try:
            self._execute(task, reports)
        finally:
            ensure_event_loop().close()

    def _is_due(self, task: Task) -> bool:
        """Whether the task is to be executed now; if not, say why."""
        reason, up_to_date = self._reason_to_skip(task)
        if reason is not None:
            self._skip(task, reason, up_to_date=up_to_date)
        return reason is None

    def _file(self, task: Task) -> Path | None:
        location = getattr(task.source, "loc", None)
        return self.pipeline.code / str(location).rsplit(":", 1)[0] if location else None

    def _reason_to_skip(self, task: Task) -> tuple[str | None, bool]:
        if self.stop.requested:
            return "the run was stopped", False
        if not self.selection.asks_for(task.name):
            return self.selection.why_not, False
        broken = [name for name in task.upstream if self._broken(name)]
        if broken:
            return f"{broken[0]} {'failed' if self.results[broken[0]].state == 'failed' else 'did not run'}", False
        if task.exec_status == TaskStatus.Skipped:
            return UP_TO_DATE, True
        return None, False

    def _broken(self, name: str) -> bool:
        """True if this run should have made the task's products and has not."""
        result = self.results[name]
        return result.state in ("failed", "stopped") or (result.state == "not-run" and self.selection.asks_for(name))

    def _skip(self, task: Task, reason: str, *, up_to_date: bool) -> None:
        if up_to_date:
            result, event = told_up_to_date(task.name, Products.of(task))
        else:
            result, event = told_not_run(task.name, reason)
            if task.exec_status != TaskStatus.Aborted:
                task.exec_status = TaskStatus.Skipped
        self.results[task.name] = result
        self.emit(event)

    def _execute(self, task: Task, reports: list[Any]) -> None:
        facts = self._facts(task)
        execution = self._prepare(task, facts)
        began = time.monotonic()
        try:
            _discard(task)
            if execution is None:
                self._started(task, 1)
            with closing(execution) if execution is not None else nullcontext():
                build_in_subprocess(task, {"catch_exceptions": True}, reports)
        except (Exception, KeyboardInterrupt) as error:
            self._failed(task, facts, execution, error, _seconds(began, execution))
        else:
            self._finished(task, execution, _seconds(began, execution))

    def _prepare(self, task: Task, facts: TaskFacts) -> Execution | None:
        """Set our engine on a notebook task that uses Papermill's; None for any other task, which Ploomber runs."""
        options = getattr(task, "executor_params", {})
        if not isinstance(task, NotebookRunner) or task.executor != "papermill":
            return None
        if options.get("engine_name", "nbclient") not in ("nbclient", ENGINE):
            return None
        settings = self._settings(task.name)
        execution = Execution(
            step=task.name,
            folder=str(options["cwd"]) if options.get("cwd") else None,
            timeout=settings.timeout,
            memory_limit=settings.memory_limit,
            attempts=settings.retries + 1,
            stop=self.stop,
            started=lambda attempt: self._started(task, attempt),
            cell=lambda number, cells, cell_id: self._cell_started(facts, number, cells, cell_id),
            retried=lambda attempt, failure: self._retried(facts, attempt, settings.retries + 1, failure),
            forgiven=lambda failure: self.forgive(failure_of_cell(failure, facts)),
            beside=lambda moment, cell: self.beside(task.name, moment, cell),
            warm=self.pool,
            inherited=self.inherited,
            ends_aside=True,
        )
        # Papermill would change this whole process's folder to `cwd`; our engine starts the kernel there instead.
        kept = {key: value for key, value in options.items() if key != "cwd"}
        task.executor_params = kept | {
            "engine_name": ENGINE,
            "execution": execution,
            "progress_bar": False,
            "log_output": False,
        }
        keep_whole(task, execution.close)
        return execution

    def _facts(self, task: Task) -> TaskFacts:
        return TaskFacts(
            name=task.name,
            file=self._file(task) or self.pipeline.code / "pipeline.yaml",
            pipeline=self.pipeline.folder,
            workdir=self.pipeline.workdir,
            executed=Products.of(task).notebook,
            origin=Origin.read(self.pipeline.code, self.pipeline.folder),
        )

    def _started(self, task: Task, attempt: int) -> Mapping[str, str]:
        parameters = {
            name: value
            for name, value in task.params.to_json_serializable(params_only=True).items()
            if name not in ("resources_", "upstream", "product")
        }
        reasons = [one.as_dict() for one in self.reasons.get(task.name, ())]
        self.emit(Event("task-started", task.name, {"attempt": attempt, "parameters": parameters, "reasons": reasons}))
        own = self._room.environment(task.name) if self._room is not None else {}
        return {**self.environment(task.name), **own}

    def _cell_started(self, facts: TaskFacts, cell: int, cells: int, cell_id: str | None) -> None:
        place = facts.origin.of_cell(cell_id, None)
        number = place.cell if place is not None else None
        self.emit(
            Event("cell-started", facts.name, {"cell": cell, "cells": cells, "cell_id": cell_id, "number": number})
        )

    def _retried(self, facts: TaskFacts, attempt: int, attempts: int, failure: CellFailure) -> None:
        told = failure_of_cell(failure, facts).as_dict()
        data = {"attempt": attempt, "attempts": max(attempts, attempt + 1), "failure": told}
        self.emit(Event("task-retried", facts.name, data))

    def _finished(self, task: Task, execution: Execution | None, seconds: float) -> None:
        products = Products.of(task)
        result = TaskResult(
            task.name,
            "succeeded",
            seconds,
            execution.attempt if execution else 1,
            notebook=products.notebook,
            report=products.report,
            variables=products.variables,
            metrics=recorded_metrics(products),
        )
        self.results[task.name] = result
        data = {
            "seconds": seconds,
            "attempts": result.attempts,
            "notebook": _text(result.notebook),
            "report": _text(result.report),
            "variables": _text(result.variables),
            "metrics": result.metrics,
        }
        self.emit(Event("task-finished", task.name, data))

    def _failed(
        self, task: Task, facts: TaskFacts, execution: Execution | None, error: BaseException, seconds: float
    ) -> None:
        products = Products.of(task)
        _take_away_torn(products)
        failure = self._failure(facts, execution, error)
        report = self._report_of_failure(products, execution)
        failure = replace(failure, report=_text(report))
        with suppress(OSError):
            _unmark(task)
        result = TaskResult(
            task.name,
            "stopped" if failure.kind == "stopped" else "failed",
            seconds,
            execution.attempt if execution else 1,
            notebook=Path(failure.executed) if failure.executed else None,
            report=report,
            metrics=recorded_metrics(products),
            failure=failure,
        )
        self.results[task.name] = result
        data = {
            "seconds": seconds,
            "attempts": result.attempts,
            "notebook": failure.executed,
            "report": failure.report,
            "metrics": result.metrics,
            "failure": failure.as_dict(),
        }
        self.emit(Event("task-failed", task.name, data))

    def _failure(self, facts: TaskFacts, execution: Execution | None, error: BaseException) -> Failure:
        if execution is not None and execution.failure is None:
            execution.failure = _shown_error(error, facts)
        if execution is not None and execution.failure is not None:
            return failure_of_cell(execution.failure, facts)
        if self.stop.requested or isinstance(error, KeyboardInterrupt):
            self.stop.request()
            return failure_of_cell(CellFailure("stopped", "Stopped", "the run was stopped"), facts)
        return failure_of_exception(error, facts)

    def _report_of_failure(self, products: Products, execution: Execution | None) -> Path | None:
        """Write the report that Ploomber writes of finished notebooks only."""
        if products.report is None or products.notebook is None:
            return None
        if execution is not None and execution.failure is not None and products.notebook.exists():
            try:
                write_report(products.notebook, products.report)
            except (OSError, ValueError) as error:
                text = f"The report {products.report} could not be written: {error}."
                self.emit(Event("notice", data={"text": text}))
        return products.report if products.report.exists() else None


def in_order(dag: DAG, wanted: Iterable[str | None]) -> list[str]:
    """The tasks' names with every task after its upstream, otherwise in the wanted order."""
    names = list(dag)
    rank = {name: place for place, name in enumerate(wanted)}
    waiting = sorted(names, key=lambda name: rank.get(name, len(names)))
    done: list[str] = []
    while waiting:
        name = next(name for name in waiting if set(dag[name].upstream) <= set(done))
        waiting.remove(name)
        done.append(name)
    return done


def _shown_error(error: BaseException, facts: TaskFacts) -> CellFailure | None:
    """The error that a cell shows though it was allowed to (``raises-exception``): Papermill fails for it anyway."""
    from nbformat import read
    from papermill.exceptions import PapermillExecutionError

    while error.__cause__ is not None:
        error = error.__cause__
    if not isinstance(error, PapermillExecutionError) or facts.executed is None:
        return None
    for index, cell in enumerate(read(facts.executed, as_version=4).cells):  # type: ignore[no-untyped-call]
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return failed_cell(cell, index, "error", output.ename, output.evalue, tuple(output.traceback))
    return None


def _seconds(began: float, execution: Execution | None) -> float:
    """How long a task took, without what it waited for a place to run at."""
    return time.monotonic() - began - (execution.waited if execution is not None else 0.0)


def _discard(task: Task) -> None:
    """Take away what an earlier run left and could pass for what the coming one makes."""
    _unmark(task)
    products = Products.of(task)
    for path in (products.variables, products.metrics, products.report, products.notebook):
        if path is not None:
            path.unlink(missing_ok=True)
            aside(path).unlink(missing_ok=True)


def _take_away_torn(products: Products) -> None:
    """Take away what a full disk cut off; the report of what is left is written after this."""
    with suppress(OSError):
        if products.report is not None:
            products.report.unlink(missing_ok=True)
        # A device may never come to an end.
        if products.notebook is not None and products.notebook.is_file() and not _is_json(products.notebook):
            products.notebook.unlink()


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _unmark(task: Task) -> None:
    """Delete the marks by which Ploomber takes products for current; it leaves old ones beside a failure."""
    for product in products_of(task):
        if isinstance(product, File):
            product.metadata.delete()


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None
