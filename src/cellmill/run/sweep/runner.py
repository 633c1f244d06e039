"""One sweep from start to end: plan, run what is outdated, compare, write the page, and tell what happened."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError
from cellmill.run.events import Event, Listener, RunState
from cellmill.run.failure import Failure
from cellmill.run.folder import PipelineFolder, read_pipeline, task_name
from cellmill.run.kernel_environment import inherited_environment
from cellmill.run.log import new_run_id
from cellmill.run.quick_loading import quick_loading
from cellmill.run.quiet import quiet_dependencies
from cellmill.run.result import TaskResult
from cellmill.run.runner import TaskEnvironment, ToldRun, sole_use, usual_jobs, usually_warm
from cellmill.run.stop import SignalWatch, StopSwitch
from cellmill.run.sweep.page import write_page
from cellmill.run.sweep.plan import FOLDER, SweepPlan, plan_sweep
from cellmill.run.sweep.result import Goal, SweepResult, best_of, combination_results, metric_names
from cellmill.run.sweep.values import Values, combine
from cellmill.run.warm.run_pool import run_pool

if TYPE_CHECKING:
    from cellmill.run.sweep.schedule import Schedule


def run_sweep(
    folder: Path,
    values: Values,
    *,
    profile: str | None = None,
    draw: int | None = None,
    seed: int = 0,
    goal: Goal | None = None,
    listeners: Sequence[Listener] = (),
    task_environment: TaskEnvironment | None = None,
    forgive: Callable[[Failure], bool] | None = None,
    warm: bool | None = None,
    jobs: int | None = None,
    wait: bool = False,
    stop: StopSwitch | None = None,
    before_work: Callable[[], None] = lambda: None,
    run_id: str | None = None,
) -> SweepResult:
    """Run a pipeline with all combinations of some parameters' values.

    Steps that do not depend on what varies run once, in the pipeline's own output folder. The others run once for each
    set of values that they depend on; their products stay in ``output/sweeps``, so that the same values are up to date
    in a later sweep. A combination that fails does not stop the others.

    Parameters
    ----------
    folder
        The pipeline's folder.
    values
        By parameter the values to try, as :func:`~cellmill.run.sweep.parse_values` gives them.
    profile
        Lets ``env.<profile>.yaml`` override env.yaml.
    draw, seed
        Run only so many of the combinations, drawn by chance.
    goal
        The metric by which they are compared.
    listeners, task_environment, forgive, warm, jobs, wait, stop, before_work, run_id
        As :func:`~cellmill.run.run_pipeline` takes them. A task's name in events is that of the task alone where all
        combinations share it, and ``TASK [VALUES]`` otherwise. ``run-started`` has ``sweep`` besides: ``varied``,
        ``combinations`` (``label``, ``parameters``, ``tasks``: its events' names by task), ``seed``, ``total``,
        ``metric`` and ``direction``; ``run-finished``: ``best`` (a label), ``metric``, ``value``, ``page``.

    Returns
    -------
    SweepResult
        Also for a sweep in which something failed, or that was stopped.

    Raises
    ------
    CellmillError
        If it can't start.
    """
    pipeline = read_pipeline(folder, profile=profile)
    combinations = combine(values, draw=draw, seed=seed)
    stop = stop or StopSwitch()
    run = ToldRun(pipeline, tuple(listeners), run_id or new_run_id())
    began = time.monotonic()
    with quiet_dependencies(), SignalWatch(stop) as signals, ExitStack() as held:
        held.enter_context(sole_use(pipeline.output, stop, run.queued if wait else None))
        inherited, pool = inherited_environment(), None
        if usually_warm() if warm is None else warm:
            pool = held.enter_context(run_pool(pipeline, (), inherited, run.emit, stop))
        before_work()
        held.enter_context(quick_loading())
        order, upstream = _tasks(pipeline)
        plan = plan_sweep(pipeline, values, combinations, order, upstream)
        schedule = _schedule(plan, run, stop, task_environment, forgive, jobs)
        schedule.use(pool, inherited)
        due = schedule.look()
        signals.executing = True
        run.emit(Event("run-started", data=_told(plan, run, due, seed if draw is not None else None, goal)))
        schedule.run()
        result = _result(plan, schedule.results, run.run_id, goal, stop)
        result = replace(result, seconds=time.monotonic() - began, seed=seed if draw is not None else None)
        result = _with_page(result, run)
        run.emit(Event("run-finished", data=_told_end(result)))
    return result


def _schedule(
    plan: SweepPlan,
    run: ToldRun,
    stop: StopSwitch,
    task_environment: TaskEnvironment | None,
    forgive: Callable[[Failure], bool] | None,
    jobs: int | None,
) -> Schedule:
    from cellmill.run.sweep.schedule import Schedule

    return Schedule(
        plan,
        emit=run.emit,
        stop=stop,
        jobs=jobs or usual_jobs(),
        environment=task_environment or (lambda _: {}),
        forgive=forgive or (lambda _: False),
    )


def _tasks(pipeline: PipelineFolder) -> tuple[list[str], dict[str, list[str]]]:
    """The pipeline's tasks in order, and by task those before it, as the sources name them."""
    from cellmill.run.executor import in_order

    dag = pipeline.load()
    # Ploomber adds what the sources name when it renders.
    pipeline.render(dag)
    names = [task_name(task) for task in pipeline.spec["tasks"]]
    if set(names) != set(dag):
        unknown = ", ".join(sorted(set(dag) - set(names))) or ", ".join(sorted(set(names) - set(dag)))
        raise CellmillError(
            f"its steps can't be told apart for a sweep ({unknown})",
            notebook=pipeline.folder / "pipeline.yaml",
            remedy="give each task a name there",
        )
    order = in_order(dag, names)
    return order, {name: list(dag[name].upstream) for name in order}


def _told(plan: SweepPlan, run: ToldRun, due: Sequence[str], seed: int | None, goal: Goal | None) -> dict[str, Any]:
    pipeline = plan.pipeline
    fixed = {name: given[0] for name, given in plan.values.items() if name not in plan.varied}
    return {
        "run_id": run.run_id,
        "pipeline": pipeline.name,
        "folder": str(pipeline.folder),
        "output": str(pipeline.output),
        "workdir": str(pipeline.workdir) if pipeline.workdir is not None else None,
        "tasks": list(plan.work),
        "asked": None,
        "due": list(due),
        "parameters": {**pipeline.parameters, **fixed, **{name: list(plan.values[name]) for name in plan.varied}},
        "profile": pipeline.profile,
        "sweep": {
            "varied": list(plan.varied),
            "combinations": [
                {"label": one.label, "parameters": dict(one.values), "tasks": dict(one.work)}
                for one in plan.combinations
            ],
            "seed": seed,
            "total": math.prod(len(given) for given in plan.values.values()),
            "metric": goal.metric if goal is not None else None,
            "direction": goal.direction if goal is not None else None,
        },
    }


def _told_end(result: SweepResult) -> dict[str, Any]:
    best = result.combinations[result.best] if result.best is not None else None
    return {
        "state": result.state,
        "seconds": result.seconds,
        "metric": result.goal.metric if result.goal is not None else None,
        "best": best.label if best is not None else None,
        "value": best.metrics[result.goal.metric] if best is not None and result.goal is not None else None,
        "page": str(result.page) if result.page is not None else None,
    }


def _result(
    plan: SweepPlan, results: Mapping[str, TaskResult], run_id: str, goal: Goal | None, stop: StopSwitch
) -> SweepResult:
    combinations = combination_results(plan, results)
    return SweepResult(
        run_id,
        _state(results, stop),
        plan.varied,
        {name: given[0] for name, given in plan.values.items() if name not in plan.varied},
        combinations,
        metric_names(combinations),
        goal,
        best_of(combinations, goal) if goal is not None else None,
        sum(result.attempts > 0 for result in results.values()),
        0.0,
        plan.pipeline.folder,
        plan.pipeline.output,
        plan.pipeline.profile,
        math.prod(len(given) for given in plan.values.values()),
        None,
    )


def _state(results: Mapping[str, TaskResult], stop: StopSwitch) -> RunState:
    states = {result.state for result in results.values()}
    if stop.requested and states & {"stopped", "not-run", "failed"}:
        return "stopped"
    return "failed" if states & {"failed", "not-run"} else "succeeded"


def _with_page(result: SweepResult, run: ToldRun) -> SweepResult:
    page = result.output / FOLDER / f"{result.run_id}.html"
    result = replace(result, page=page)
    try:
        write_page(result)
    except CellmillError as error:  # a full disk must not take the table away, too
        run.emit(Event("notice", data={"text": f"The sweep's page could not be written: {error}"}))
        return replace(result, page=None)
    return result
