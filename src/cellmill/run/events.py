"""What happens during a run, told as it happens: the one event type that CLI, widgets, Lab and MLflow read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

EventKind = Literal[
    "run-queued",
    "run-started",
    "task-started",
    "cell-started",
    "task-finished",
    "task-skipped",
    "task-failed",
    "task-retried",
    "run-finished",
    "notice",
]

RunState = Literal["succeeded", "failed", "stopped"]


@dataclass(frozen=True)
class Event:
    """One moment of a run.

    Attributes
    ----------
    kind
        What happened. ``run-queued`` says that the run waits for another one to end, ``task-skipped`` that the task is
        up to date or not wanted; ``notice`` carries a sentence for the user.
    task
        The task's name, for all ``task-`` and ``cell-`` kinds.
    data
        By kind. ``run-queued``: ``pipeline``, ``folder``, ``output``;
        ``run-started``: ``run_id``, ``pipeline``, ``folder``, ``output``, ``workdir`` (the folder
        that the tasks run in, or None), ``tasks`` (names in order), ``asked`` (those that the run may execute; None for
        all), ``due`` (those that are to run as things stand), ``parameters``, ``profile``; of a sweep also ``sweep``
        (see run/sweep/runner.py);
        ``cell-started``: ``cell`` (from 1, of the ``cells`` that the task has), ``cell_id``, ``number`` (the source
        cell's place in the notebook; both None for what promotion wrote);
        ``task-started``: ``attempt`` (from 1), ``parameters``, ``reasons`` (why it runs, see run/reasons.py);
        ``task-finished``: ``seconds``, ``attempts``, ``notebook``, ``report``, ``variables`` (paths), ``metrics``;
        ``task-retried``: ``attempt`` (the one that failed), ``attempts`` and ``failure``;
        ``task-failed``: ``seconds``, ``attempts``, ``notebook``, ``report``, ``metrics`` and ``failure`` (see
        run/failure.py);
        ``task-skipped``: ``reason``, ``up_to_date``, and what is there of ``notebook``, ``report``, ``metrics``;
        ``run-finished``: ``state``, ``seconds``; ``notice``: ``text``.
    at
        Seconds since the epoch.
    """

    kind: EventKind
    task: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)

    def as_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)


Listener = Callable[[Event], None]
