"""What a sweep gives back: for each combination its state and metrics, and which of them is the best."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from cellmill.errors import CellmillError
from cellmill.run.events import RunState
from cellmill.run.failure import Failure
from cellmill.run.result import TaskResult
from cellmill.run.sweep.plan import SweepPlan

CombinationState = Literal["succeeded", "up-to-date", "failed", "stopped", "not-run"]
Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Goal:
    """By which metric combinations are compared: its name, or ``TASK/NAME`` where several tasks record that name."""

    metric: str
    direction: Direction


@dataclass(frozen=True)
class CombinationResult:
    """One combination of a sweep.

    Attributes
    ----------
    label
        The combination in words.
    values
        The parameters that the sweep set.
    state
        ``up-to-date``: nothing of it had to run; ``failed``: one of its steps failed, or one that it shares.
    seconds
        How long the steps took that are its own.
    metrics
        The numbers that ``%metric`` recorded, in its own steps and in those that it shares.
    tasks
        All of its tasks, in order.
    output
        The folder of what it made for itself.
    failure
        Why it failed.
    """

    label: str
    values: Mapping[str, Any]
    state: CombinationState
    seconds: float
    metrics: Mapping[str, float]
    tasks: tuple[TaskResult, ...]
    output: Path
    failure: Failure | None

    @property
    def whole(self) -> bool:
        """Whether all that it makes is there."""
        return self.state in ("succeeded", "up-to-date")

    def as_dict(self) -> dict[str, Any]:
        """What is told of it, JSON-ready."""
        return {
            "label": self.label,
            "parameters": dict(self.values),
            "state": self.state,
            "seconds": self.seconds,
            "metrics": dict(self.metrics),
            "output": str(self.output),
            "failure": self.failure.sentence if self.failure is not None else None,
        }


@dataclass(frozen=True)
class SweepResult:
    """A finished sweep.

    Attributes
    ----------
    varied
        The parameters with more than one value.
    fixed
        Those that were set to one.
    combinations
        In the order typed.
    metrics
        The names of all metrics.
    best
        The place of the best combination; None without a goal, or where none has its metric.
    ran
        How many steps ran, those that combinations share counted once.
    total
        How many combinations the values make.
    seed
        By which some of them were drawn; None if all were run.
    page
        The page that tells it.
    """

    run_id: str
    state: RunState
    varied: tuple[str, ...]
    fixed: Mapping[str, Any]
    combinations: tuple[CombinationResult, ...]
    metrics: tuple[str, ...]
    goal: Goal | None
    best: int | None
    ran: int
    seconds: float
    folder: Path
    output: Path
    profile: str | None
    total: int
    seed: int | None
    page: Path | None = None

    @property
    def drawn(self) -> str | None:
        """Which part of the combinations this is, in words; None if it is all of them."""
        if self.seed is None:
            return None
        return f"{len(self.combinations)} of {self.total:,} combinations, drawn with seed {self.seed}"

    @property
    def ranking(self) -> list[int]:
        """The combinations' places, best first; in the order typed without a goal."""
        places = range(len(self.combinations))
        if self.goal is None or self.goal.metric not in self.metrics:
            return list(places)
        return sorted(places, key=lambda place: _rank(self.combinations[place], self.goal))

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {
            "run_id": self.run_id,
            "pipeline": self.folder.name,
            "folder": str(self.folder),
            "profile": self.profile,
            "state": self.state,
            "seconds": self.seconds,
            "varied": list(self.varied),
            "fixed": dict(self.fixed),
            "metric": self.goal.metric if self.goal is not None else None,
            "direction": self.goal.direction if self.goal is not None else None,
            "total": self.total,
            "seed": self.seed,
            "combinations": [one.as_dict() for one in self.combinations],
            "best": self.best,
            "ran": self.ran,
            "page": str(self.page) if self.page is not None else None,
        }


def combination_results(plan: SweepPlan, results: Mapping[str, TaskResult]) -> tuple[CombinationResult, ...]:
    """What became of each combination.

    Parameters
    ----------
    results
        By work.
    """
    users = plan.users
    recorded = {work: _numbers(result.metrics) for work, result in results.items()}
    several = _recorded_by_several(plan, recorded)
    found = []
    for one in plan.combinations:
        tasks = tuple(results[one.work[task]] for task in plan.order)
        metrics = {
            f"{task}/{name}" if name in several else name: value
            for task in plan.order
            for name, value in recorded[one.work[task]].items()
        }
        seconds = sum(results[work].seconds for work in one.work.values() if len(users[work]) == 1)
        failure = next((task.failure for task in tasks if task.failure is not None), None)
        found.append(
            CombinationResult(
                one.label, one.values, _state(tasks), seconds, metrics, tasks, one.pipeline.output, failure
            )
        )
    return tuple(found)


def metric_names(combinations: Sequence[CombinationResult]) -> tuple[str, ...]:
    """The names of all metrics, in the order in which they are recorded."""
    return tuple(dict.fromkeys(name for one in combinations for name in one.metrics))


def best_of(combinations: Sequence[CombinationResult], goal: Goal) -> int | None:
    """The place of the best combination; the first of several that are equal, None if none has the metric."""
    places = [
        place
        for place, one in enumerate(combinations)
        if one.whole and goal.metric in one.metrics and not math.isnan(one.metrics[goal.metric])
    ]
    return min(places, key=lambda place: _rank(combinations[place], goal), default=None)


def check_goal(goal: Goal, metrics: Sequence[str]) -> None:
    """Say what is wrong with a goal that no combination can be compared by.

    Raises
    ------
    CellmillError
        If no step has recorded its metric, or several have.
    """
    if goal.metric in metrics:
        return
    several = [name for name in metrics if name.partition("/")[2] == goal.metric]
    if several:
        raise CellmillError(f"several steps record the metric {goal.metric}", remedy=f"say --metric {several[-1]}")
    close = get_close_matches(goal.metric, metrics, n=1)
    if close:
        remedy = f"did you mean {close[0]}?"
    elif metrics:
        remedy = f"the metrics are {', '.join(metrics)}"
    else:
        remedy = "record it in a step of the notebook with %metric, and promote again"
    raise CellmillError(f"no step recorded the metric {goal.metric}", remedy=remedy)


def _rank(one: CombinationResult, goal: Goal | None) -> tuple[int, float]:
    value = one.metrics.get(goal.metric, math.nan) if goal is not None else math.nan
    if math.isnan(value) or not one.whole:
        return (1 if one.whole else 2, 0.0)
    return (0, value if goal is not None and goal.direction == "minimize" else -value)


def _state(tasks: Sequence[TaskResult]) -> CombinationState:
    states = {task.state for task in tasks}
    if states == {"up-to-date"}:
        return "up-to-date"
    if states <= {"up-to-date", "succeeded"}:
        return "succeeded"
    if "failed" in states:
        return "failed"
    return "stopped" if states & {"stopped", "succeeded"} else "not-run"


def _recorded_by_several(plan: SweepPlan, recorded: Mapping[str, Mapping[str, float]]) -> set[str]:
    """The metrics' names that more than one of the pipeline's tasks uses."""
    tasks: dict[str, set[str]] = {}
    for work, task in plan.work.items():
        for name in recorded[work]:
            tasks.setdefault(name, set()).add(task)
    return {name for name, found in tasks.items() if len(found) > 1}


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return dict(_each_number(metrics))


def _each_number(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in metrics.items():
        if isinstance(value, int | float):
            yield name, float(value)
