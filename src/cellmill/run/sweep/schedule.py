"""Runs the steps of all combinations of a sweep, each as soon as it may, up to so many at once.

This module is imported when a sweep executes, never by ``import cellmill``: it knows Ploomber.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cellmill.run.events import Event
from cellmill.run.executor import CellmillExecutor
from cellmill.run.failure import Failure
from cellmill.run.forecast import expected_reasons, rendered
from cellmill.run.kernel_environment import inherited_environment
from cellmill.run.products import Products
from cellmill.run.resources import Room
from cellmill.run.result import TaskResult
from cellmill.run.selection import Selection
from cellmill.run.settings import StepSettings
from cellmill.run.skipped import told_not_run, told_up_to_date
from cellmill.run.stop import StopSwitch, first_ended
from cellmill.run.sweep.plan import PlannedCombination, SweepPlan
from cellmill.run.up_to_date import recall, remember
from cellmill.run.warm import WarmPool
from cellmill.run.whole_products import write_whole

if TYPE_CHECKING:
    from ploomber import DAG

# Combinations that are held with their DAGs while they wait for a step that they share.
_AHEAD = 64


@dataclass
class _CombinationExecutor(CellmillExecutor):
    """Executes tasks of one combination one by one, when it is told to."""

    def is_due(self, dag: DAG, task: str, before: Mapping[str, TaskResult]) -> bool:
        """Whether a task is to run now; if not, that is told, and its result is there."""
        self.results.update(before)
        return self._is_due(dag[task])

    def execute(self, dag: DAG, task: str) -> TaskResult:
        """Execute a task, in a thread of its own."""
        self._execute_aside(dag[task], [])
        return self.results[task]


@dataclass(eq=False)
class _Loaded:
    """One combination: with its DAG if anything of it has to run, else with what is there."""

    planned: PlannedCombination
    waiting: list[str]
    there: Mapping[str, Products] = field(default_factory=dict)
    executor: _CombinationExecutor | None = None
    dag: DAG | None = None


class Schedule:
    """Runs what a plan holds, and keeps what became of it.

    Combinations are loaded one after the other, while steps of earlier ones run: a sweep begins at once, and holds no
    more of Ploomber's DAGs than it needs.

    Parameters
    ----------
    plan
        What to run.
    emit
        Takes each event; tasks have the names of the plan's work.
    stop
        The switch that stops it.
    jobs
        How many steps run at once.
    environment
        Gives, by work, environment variables for its kernel.
    forgive
        As ``run_pipeline`` takes it; the failure's task is the work's name.

    Attributes
    ----------
    results
        By work.
    """

    def __init__(
        self,
        plan: SweepPlan,
        *,
        emit: Callable[[Event], None],
        stop: StopSwitch,
        jobs: int,
        environment: Callable[[str], Mapping[str, str]],
        forgive: Callable[[Failure], bool],
    ) -> None:
        self.results: dict[str, TaskResult] = {}
        self._plan = plan
        self._emit = emit
        self._stop = stop
        self._jobs = jobs
        self._environment = environment
        self._forgive = forgive
        self._room = Room.of_machine(jobs)
        self._users = {work: len(places) for work, places in plan.users.items()}
        self._began = time.time()
        self._unread = list(plan.combinations)
        self._found: list[_Loaded] = []
        self._active: list[_Loaded] = []
        self._running: dict[Future[TaskResult], tuple[_Loaded, str]] = {}
        self._pool: WarmPool | None = None
        self._inherited: Mapping[str, str] = inherited_environment()

    def use(self, pool: WarmPool | None, inherited: Mapping[str, str]) -> None:
        """Fork all kernels from there; they take over these variables."""
        self._pool, self._inherited = pool, inherited

    def look(self) -> list[str]:
        """Load combinations up to the first of which something is to run; the work that this is known of."""
        while self._unread:
            loaded = self._load()
            self._found.append(loaded)
            if loaded.executor is not None:
                return [loaded.planned.work[task] for task in loaded.executor.reasons]
        return []

    def run(self) -> None:
        """Run all that is outdated."""
        write_whole(self._plan.pipeline.output)
        for loaded in self._found:
            self._admit(loaded)
        if self._pool is not None:
            self._pool.expected = len(self._users)
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="cellmill-task") as threads:
            try:
                self._run(threads)
            except BaseException:
                # The threads end when their kernels have.
                self._stop.request()
                raise
        for planned in self._unread:
            for task in planned.own:
                self._keep(planned, task, *told_not_run(planned.work[task], "the run was stopped"))

    def _run(self, threads: ThreadPoolExecutor) -> None:
        while True:
            ready = self._ready()
            while ready and len(self._running) < self._jobs and self._start(threads, ready):
                pass
            room = len(self._active) < max(_AHEAD, 2 * self._jobs)
            if len(ready) < self._jobs and self._unread and room and not self._stop.requested:
                # Read ahead, so that the next step is known when a place is free.
                self._admit(self._load())
                self._collect(block=False)
            elif self._running:
                self._collect(block=True)
            elif not self._ready():
                return

    def _ready(self) -> list[tuple[_Loaded, str]]:
        """What may start now, what most combinations wait for first; what will not run is told and forgotten."""
        found = []
        for loaded in self._active:
            for task in tuple(loaded.waiting):
                before = self._before(loaded, task)
                if before is None:
                    continue
                assert loaded.executor is not None
                assert loaded.dag is not None
                if loaded.executor.is_due(loaded.dag, task, before):
                    found.append((loaded, task))
                else:
                    loaded.waiting.remove(task)
                    self.results[loaded.planned.work[task]] = loaded.executor.results[task]
        running = [loaded for loaded, _ in self._running.values()]
        over = [loaded for loaded in self._active if not loaded.waiting and loaded not in running]
        for loaded in over:
            assert loaded.dag is not None
            loaded.dag.close_clients()
        self._active = [loaded for loaded in self._active if loaded not in over]
        return sorted(found, key=lambda one: -self._users[one[0].planned.work[one[1]]])

    def _before(self, loaded: _Loaded, task: str) -> dict[str, TaskResult] | None:
        """The results of a task's upstream; None as long as one has none."""
        assert loaded.dag is not None
        works = {name: loaded.planned.work[name] for name in loaded.dag[task].upstream}
        if any(work not in self.results for work in works.values()):
            return None
        return {name: self.results[work] for name, work in works.items()}

    def _start(self, threads: ThreadPoolExecutor, ready: list[tuple[_Loaded, str]]) -> bool:
        """Start the first for which there is room; False if there is none."""
        for place, (loaded, task) in enumerate(ready):
            settings = self._plan.pipeline.steps.get(task, StepSettings())
            if self._room.take(loaded.planned.work[task], settings):
                assert loaded.executor is not None
                loaded.waiting.remove(task)
                self._running[threads.submit(loaded.executor.execute, loaded.dag, task)] = (loaded, task)
                del ready[place]
                return True
        return False

    def _collect(self, *, block: bool) -> None:
        """Take over what has ended."""
        ended = first_ended(self._running) if block else [one for one in self._running if one.done()]
        for one in ended:
            loaded, task = self._running.pop(one)
            work = loaded.planned.work[task]
            self._room.leave(work)
            self.results[work] = one.result()

    def _load(self) -> _Loaded:
        planned = self._unread.pop(0)
        own = list(planned.own)
        settled = recall(planned.pipeline)
        if settled is not None:
            return _Loaded(planned, own, {task.name: task.products for task in settled})
        dag, order = rendered(planned.pipeline)
        executor = _CombinationExecutor(
            planned.pipeline,
            Selection(),
            order,
            lambda event: self._emit(replace(event, task=planned.work[event.task]) if event.task else event),
            self._stop,
            environment=lambda task: self._variables(planned.work[task]),
            forgive=lambda failure: self._forgive(replace(failure, task=planned.work[failure.task])),
            pool=self._pool,
            inherited=self._inherited,
        )
        executor.reasons = expected_reasons(planned.pipeline, dag, order, executor.selection)
        if not executor.reasons:
            remember(planned.pipeline, dag, order, self._began)
            dag.close_clients()
            return _Loaded(planned, own, {name: Products.of(dag[name]) for name in order})
        return _Loaded(planned, own, executor=executor, dag=dag)

    def _admit(self, loaded: _Loaded) -> None:
        """Take a combination's own steps in hand."""
        if loaded.executor is not None:
            self._active.append(loaded)
            return
        for task in loaded.waiting:
            work = loaded.planned.work[task]
            self._keep(loaded.planned, task, *told_up_to_date(work, loaded.there[task]))

    def _keep(self, planned: PlannedCombination, task: str, result: TaskResult, event: Event) -> None:
        self.results[planned.work[task]] = replace(result, name=task)
        self._emit(event)

    def _variables(self, work: str) -> Mapping[str, str]:
        return {**self._environment(work), **self._room.environment(work)}
