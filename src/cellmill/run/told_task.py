"""What is known of one task of a run, event by event: the dict that the records of runs and all views show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def waiting_task(name: str) -> dict[str, Any]:
    """A task of which nothing has been told."""
    return {
        "name": name,
        "state": "waiting",
        "cell": 0,
        "cells": 0,
        "cell_id": None,
        "number": None,
        "attempt": 0,
        "seconds": None,
        "began": None,
        "metrics": {},
        "notebook": None,
        "report": None,
        "reason": None,
        "reasons": [],
        "failure": None,
    }


def change_task(task: dict[str, Any], kind: str, data: Mapping[str, Any], at: float) -> None:
    """Change what is known of a task with an event of it.

    Parameters
    ----------
    kind, data, at
        As an :class:`~cellmill.run.events.Event` has them; data may be what somebody else wrote into a record.
    """
    match kind:
        case "task-started":
            task.update(state="running", attempt=data.get("attempt"), cell=0, began=task["began"] or at)
            task["reasons"] = [_mapping(one).get("text") for one in _list(data.get("reasons"))]
        case "cell-started":
            task.update({name: data.get(name) for name in ("cell", "cells", "cell_id", "number")})
        case "task-skipped":
            up_to_date = data.get("up_to_date") is True
            task.update(state="up-to-date" if up_to_date else "not-run", reason=data.get("reason"))
        case "task-finished":
            task.update(state="done", seconds=data.get("seconds"))
        case "task-failed":
            failure = _mapping(data.get("failure"))
            stopped = failure.get("kind") == "stopped"
            task.update(state="stopped" if stopped else "failed", seconds=data.get("seconds"), failure=failure)
    if kind in ("task-finished", "task-failed", "task-skipped"):
        task.update(notebook=data.get("notebook"), report=data.get("report"))
        task["metrics"] = _mapping(data.get("metrics"))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
