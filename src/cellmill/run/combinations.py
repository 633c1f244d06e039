"""How far each combination of a sweep is, read from its events alone: for whoever follows it, or looks later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Any

_OVER = ("done", "up-to-date", "failed", "stopped", "not-run")
_WHOLE = {"done", "up-to-date"}


def told_sweep(
    began: Mapping[str, Any], finished: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """A sweep as its events tell it, JSON-ready; None for a run that is none.

    Parameters
    ----------
    began, finished
        The data of ``run-started`` and ``run-finished``, empty before they come.
    tasks
        By its name in events what is known of each task (see :mod:`cellmill.run.told_task`).

    Returns
    -------
    dict
        ``varied``, ``total``, ``seed``, ``metric``, ``direction``; ``best`` (a label), ``value`` and ``page``, which
        are known at the end; ``combinations``: ``label``, ``parameters``, ``tasks`` (their events' names by task),
        ``state`` (as a task's), ``steps`` and how many of them are ``over``, ``running`` (tasks), ``seconds`` of its
        own steps, ``metrics``, and ``failure`` in a sentence.
    """
    sweep = began.get("sweep")
    if not isinstance(sweep, dict):
        return None
    listed = [one for one in _list(sweep.get("combinations")) if isinstance(one, dict)]
    works = [{str(task): str(work) for task, work in _mapping(one.get("tasks")).items()} for one in listed]
    metrics = [_metrics(work, tasks) for work in works]
    several = _recorded_by_several(metrics)
    used = Counter(work for one in works for work in one.values())
    shared = {work for work, times in used.items() if times > 1}
    return {
        "varied": [str(name) for name in _list(sweep.get("varied"))],
        "total": _number(sweep.get("total")) or len(listed),
        "seed": _number(sweep.get("seed")),
        "metric": _text(sweep.get("metric")),
        "direction": _text(sweep.get("direction")),
        "best": _text(finished.get("best")),
        "value": _number(finished.get("value")),
        "page": _text(finished.get("page")),
        "combinations": [
            {
                "label": str(one.get("label")),
                "parameters": _mapping(one.get("parameters")),
                "tasks": work,
                **_progress(work, tasks, shared),
                "metrics": {
                    f"{task}/{name}" if name in several else name: value for (task, name), value in found.items()
                },
            }
            for one, work, found in zip(listed, works, metrics, strict=True)
        ],
    }


def _progress(work: Mapping[str, str], tasks: Mapping[str, Mapping[str, Any]], shared: Set[str]) -> dict[str, Any]:
    known = {task: tasks[name] for task, name in work.items() if name in tasks}
    states = [str(task["state"]) for task in known.values()]
    own = [task["seconds"] for name, task in known.items() if work[name] not in shared]
    failures = [_text(_mapping(task["failure"]).get("sentence")) for task in known.values() if task["failure"]]
    return {
        "state": _state(states),
        "steps": len(work),
        "over": sum(state in _OVER for state in states),
        "running": [task for task, told in known.items() if told["state"] == "running"],
        "seconds": sum(seconds for seconds in own if isinstance(seconds, int | float)),
        "failure": next(filter(None, failures), None),
    }


def _state(states: list[str]) -> str:
    found = set(states)
    if "running" in found:
        return "running"
    if "failed" in found:
        return "failed"
    if not found or "waiting" in found:
        return "waiting"
    if found <= _WHOLE:
        return "done" if "done" in found else "up-to-date"
    return "stopped" if found & {"stopped", "done"} else "not-run"


def _metrics(work: Mapping[str, str], tasks: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    return {
        (task, str(metric)): value
        for task, name in work.items()
        for metric, value in _mapping(tasks.get(name, {}).get("metrics")).items()
        if isinstance(value, int | float)
    }


def _recorded_by_several(metrics: Iterable[Mapping[tuple[str, str], float]]) -> set[str]:
    """The metrics' names that more than one of the pipeline's tasks uses."""
    tasks: dict[str, set[str]] = {}
    for found in metrics:
        for task, name in found:
            tasks.setdefault(name, set()).add(task)
    return {name for name, found in tasks.items() if len(found) > 1}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
