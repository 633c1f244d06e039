"""One run of a pipeline from start to end: read and check, let Ploomber decide, execute, and tell what happened."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellmill.errors import CellmillError
from cellmill.run.events import Event, Listener, RunState
from cellmill.run.failure import Failure, disk_words
from cellmill.run.folder import PipelineFolder, read_pipeline
from cellmill.run.forecast import expected_reasons, rendered
from cellmill.run.kernel_environment import inherited_environment
from cellmill.run.log import new_run_id
from cellmill.run.quiet import quiet_dependencies
from cellmill.run.repair import last_repair
from cellmill.run.result import RunResult, TaskResult
from cellmill.run.selection import Choice, Selection, select
from cellmill.run.skipped import told_up_to_date
from cellmill.run.stop import SignalWatch, StopSwitch
from cellmill.run.up_to_date import SettledTask, recall, remember
from cellmill.run.warm.run_pool import run_pool

if TYPE_CHECKING:
    from ploomber import DAG

    from cellmill.run.executor import CellmillExecutor
    from cellmill.run.remote.executor import RemoteRun

TaskEnvironment = Callable[[str], Mapping[str, str]]
Beside = Callable[[str, Literal["before", "after"], Any], str | None]


def run_pipeline(
    folder: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    profile: str | None = None,
    force: bool = False,
    only: str | Sequence[str] | None = None,
    from_: str | None = None,
    skip: str | Sequence[str] = (),
    repair: bool = False,
    listeners: Sequence[Listener] = (),
    task_environment: TaskEnvironment | None = None,
    forgive: Callable[[Failure], bool] | None = None,
    beside: Beside | None = None,
    warm: bool | None = None,
    jobs: int | None = None,
    run_on: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    wait: bool = False,
    output: Path | None = None,
    code: Path | None = None,
    stop: StopSwitch | None = None,
    before_work: Callable[[], None] = lambda: None,
    run_id: str | None = None,
) -> RunResult:
    """Run a pipeline: the tasks that are outdated, each in a kernel of its own.

    Parameters
    ----------
    folder
        The pipeline's folder.
    parameters
        Values by name; checked against what cellmill.yaml declares before anything starts.
    profile
        Lets ``env.<profile>.yaml`` override env.yaml.
    force
        Run tasks that are up to date as well.
    only, from_
        Run these tasks alone, or this one and all that follow, up to date or not. What comes before must have products.
    skip
        Leave these tasks out; what follows starts from the products that are there.
    repair
        Run what the pipeline's last run left undone, with its parameters and profile: the tasks that failed, were
        stopped or lost, what follows them, and of those that it never came to what is outdated.
    listeners
        Called with each event, in order. One that raises is not called again, and the others get a notice.
    task_environment
        Gives, by a task's name, environment variables for its kernel; called after ``task-started``.
    forgive
        Asked when a task has failed for good: True if that was not the task's own doing; it is then run once more.
    beside
        Asked before and after each cell of a task (with the task's name, "before" or "after", and the cell) for code to
        execute beside it in the task's kernel: silently, as no part of the task.
    warm
        Fork the tasks' kernels from a process that holds what they import, where that is safe. Where it is None they
        are, unless ``CELLMILL_WARM`` is 0.
    jobs
        How many tasks may run at once. As ``CELLMILL_JOBS`` says where it is None, else as many as there are cores.
    run_on, scheduler
        Let Dask workers execute the tasks: those of the scheduler at an address (such as ``tcp://host:8786``), or
        workers of the run's own on this machine.
    wait
        Wait until another run of the pipeline has ended, instead of being refused.
    output
        Another folder for the products than ``output`` in the pipeline's folder.
    code
        A copy of the pipeline's files that counts instead of them, see :mod:`cellmill.promote.published`.
    stop
        A switch by which another thread can stop the run. Ctrl-C, SIGTERM and SIGHUP stop it anyway where the run is in
        the main thread.
    before_work
        Called before the pipeline is loaded; not where it is known without that that all of it is up to date.
    run_id
        The run's id, where it is known before; otherwise one is made.

    Returns
    -------
    RunResult
        Also for a run that failed or was stopped.

    Raises
    ------
    CellmillError
        If the run can't start: wrong files, parameters, names; products of another step missing; a folder that can't
        be written; another run in it.
    """
    choice = Choice.of(force=force, only=only, from_=from_, skip=skip)
    if repair:
        choice, parameters, profile = choice.to_repair(last_repair(folder, but=run_id), parameters, profile)
    pipeline = read_pipeline(folder, parameters=parameters, profile=profile, output=output, code=code)
    stop = stop or StopSwitch()
    run = ToldRun(pipeline, tuple(listeners), run_id or new_run_id())
    began = time.time()
    with quiet_dependencies(), SignalWatch(stop) as signals, ExitStack() as held:
        try:
            held.enter_context(sole_use(pipeline.output, stop, run.queued if wait else None))
            if run_on == "dask" and beside is not None:
                raise CellmillError("what runs beside cells can't run on Dask workers", notebook=pipeline.folder)
            remote = _remote(pipeline, scheduler, jobs) if run_on == "dask" else None
            pulled = remote.pull() if remote is not None else []
            settled = recall(pipeline) if choice == Choice() else None
            if settled is not None:
                return _nothing_to_do(run, settled)
            # As it is now: some libraries set variables when they are imported.
            inherited = inherited_environment()
            pool = None
            if remote is None and (usually_warm() if warm is None else warm):
                # While this process is still busy with Ploomber and the DAG.
                pool = held.enter_context(run_pool(pipeline, choice.only, inherited, run.emit, stop))
            before_work()
            make = remote.executor if remote is not None else None
            executor, dag = _prepare(pipeline, choice, run.emit, stop, make)
            executor.environment = task_environment or executor.environment
            executor.forgive = forgive or executor.forgive
            executor.beside = beside or executor.beside
            executor.jobs = jobs or usual_jobs()
            executor.pool, executor.inherited = pool, inherited
            if remote is not None and executor.reasons:
                held.enter_context(remote.connected(executor))
        except KeyboardInterrupt:
            return run.finished("stopped", ())
        signals.executing = True
        due = list(executor.reasons)
        if not due and choice == Choice():
            remember(pipeline, dag, executor.order, began)
        run.started(executor.order, due, executor.selection)
        for text in (*executor.selection.notices, *([_pulled(pulled)] if pulled else [])):
            run.emit(Event("notice", data={"text": text}))
        state = _build(dag, executor)
        return run.finished(state, tuple(executor.results[name] for name in executor.order if name in executor.results))


# Seconds after which a run that waits for its turn looks whether it is still wanted.
_LOOK_AGAIN = 0.5


def usually_warm() -> bool:
    """Whether kernels are forked from a warm process where nobody says it."""
    return os.environ.get("CELLMILL_WARM", "") != "0"


def usual_jobs() -> int:
    """How many tasks run at once where nobody says it: as many as there are cores for this process.

    Raises
    ------
    CellmillError
        If ``CELLMILL_JOBS`` is no such number.
    """
    given = os.environ.get("CELLMILL_JOBS", "")
    if given:
        if not given.isdecimal() or int(given) < 1:
            raise CellmillError(f"CELLMILL_JOBS is {given!r}", remedy="say how many steps may run at once, from 1 on")
        return int(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 1


class ToldRun:
    """One run's identity, and the telling of its events."""

    def __init__(self, pipeline: PipelineFolder, listeners: tuple[Listener, ...], run_id: str) -> None:
        self.pipeline = pipeline
        self.run_id = run_id
        self._listeners = list(listeners)
        self._began = time.monotonic()
        # Tasks that run side by side tell in turn; a listener may itself cause a notice.
        self._telling = threading.RLock()

    def queued(self) -> None:
        """Tell that it waits for another run."""
        data = {
            "pipeline": self.pipeline.name,
            "folder": str(self.pipeline.folder),
            "output": str(self.pipeline.output),
        }
        self.emit(Event("run-queued", data=data))

    def started(self, tasks: Sequence[str], due: Sequence[str], selection: Selection) -> None:
        """Tell that it begins."""
        data = {
            "run_id": self.run_id,
            "pipeline": self.pipeline.name,
            "folder": str(self.pipeline.folder),
            "output": str(self.pipeline.output),
            "workdir": str(self.pipeline.workdir) if self.pipeline.workdir is not None else None,
            "tasks": list(tasks),
            "asked": None if selection.names is None else [name for name in tasks if selection.asks_for(name)],
            "due": list(due),
            "parameters": dict(self.pipeline.parameters),
            "profile": self.pipeline.profile,
        }
        self.emit(Event("run-started", data=data))

    def finished(self, state: RunState, tasks: tuple[TaskResult, ...]) -> RunResult:
        """Tell that it has ended, and give what is known of it."""
        seconds = time.monotonic() - self._began
        failure = next((task.failure for task in tasks if task.failure is not None), None)
        self.emit(Event("run-finished", data={"state": state, "seconds": seconds}))
        return RunResult(self.run_id, state, tasks, seconds, failure, self.pipeline.folder, self.pipeline.output)

    def emit(self, event: Event) -> None:
        """Tell an event to all who listen."""
        with self._telling:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception as error:  # whoever watches a run must not be able to break it
                self._listeners.remove(listener)
                name = getattr(listener, "__name__", type(listener).__name__)
                words = str(error).strip().splitlines()
                text = f"{name} no longer follows the run ({type(error).__name__}: {words[0] if words else ''})."
                self.emit(Event("notice", data={"text": text}))


def _nothing_to_do(run: ToldRun, settled: Sequence[SettledTask]) -> RunResult:
    """Tell the run in which nothing is outdated, as it would be told after loading the DAG."""
    run.started([task.name for task in settled], (), Selection())
    results = []
    for task in settled:
        result, event = told_up_to_date(task.name, task.products)
        results.append(result)
        run.emit(event)
    return run.finished("succeeded", tuple(results))


def _remote(pipeline: PipelineFolder, scheduler: str | None, jobs: int | None) -> RemoteRun:
    from cellmill.run.remote.executor import RemoteRun

    return RemoteRun.of(pipeline, scheduler, jobs, usual_jobs())


def _pulled(names: Sequence[str]) -> str:
    what = f"step {names[0]}" if len(names) == 1 else f"steps {', '.join(names)}"
    return f"Fetched from the storage what {what} made on another machine."


def _prepare(
    pipeline: PipelineFolder,
    choice: Choice,
    emit: Listener,
    stop: StopSwitch,
    make: Callable[..., CellmillExecutor] | None = None,
) -> tuple[CellmillExecutor, DAG]:
    """Load the DAG and find out what is to be run, all before anything is written."""
    from cellmill.run.executor import CellmillExecutor

    dag, order = rendered(pipeline)
    selection = select(pipeline, dag, order, choice)
    dag.executor = (make or CellmillExecutor)(pipeline, selection, order, emit, stop)
    dag.executor.reasons = expected_reasons(pipeline, dag, order, selection)
    return dag.executor, dag


def _build(dag: DAG, executor: CellmillExecutor) -> RunState:
    from ploomber.exceptions import DAGBuildEarlyStop, DAGBuildError

    force = executor.selection.names is None and bool(executor.selection.forced)
    try:
        dag.build(force=force, show_progress=False)
    except (DAGBuildError, DAGBuildEarlyStop):
        pass  # the executor has told why
    except KeyboardInterrupt:
        executor.stop.request()
    if executor.stop.requested:
        finished = all(result.state in ("succeeded", "up-to-date") for result in executor.results.values())
        if not finished or len(executor.results) < len(executor.order):
            return "stopped"
    return "failed" if any(result.state == "failed" for result in executor.results.values()) else "succeeded"


@contextmanager
def sole_use(output: Path, stop: StopSwitch, queued: Callable[[], None] | None) -> Iterator[None]:
    """Hold the products' folder for this run; a second run in it would mix its files with these.

    ``queued`` is called if it has to wait for its turn; without it the run is refused then.

    Raises
    ------
    CellmillError
        If the folder can't be written, or another run holds it.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        handle = os.open(output / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise CellmillError(f"can't be written: {disk_words(error)}", notebook=output) from None
    try:
        _lock(handle, output, stop, queued)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, output: Path, stop: StopSwitch, queued: Callable[[], None] | None) -> None:
    from cellmill.locks import wait_for_lock

    try:
        import fcntl
    except ImportError:  # Windows: no lock, as with Ploomber
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if queued is None:
            raise CellmillError(
                "another run is writing there",
                notebook=output,
                remedy="wait until it has ended (--wait) or stop it (cellmill stop)",
            ) from None
        queued()
        while not wait_for_lock(handle, _LOOK_AGAIN):
            if stop.requested:
                raise KeyboardInterrupt from None
