"""A run's events in words: what a terminal shows line by line, and what is told of a run that printed elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cellmill.run.events import Event


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> duration(4.23), duration(75), duration(3700)
    ('4.2 s', '1 min 15 s', '1 h 01 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def number(value: int | float) -> str:
    """A number as people read it.

    Examples
    --------
    >>> number(0.123456789), number(3), number(3.0)
    ('0.123457', '3', '3')
    """
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def cell_words(cell: int, cells: int, number: int | None) -> str:
    """Which cell of a task runs: by its number in the notebook, as errors and Jupyter count, and how far that is.

    Examples
    --------
    >>> cell_words(4, 6, 12), cell_words(2, 6, None), cell_words(6, 6, None)
    ('cell 12 (4/6)', 'inputs (2/6)', 'outputs (6/6)')
    """
    what = f"cell {number}" if number is not None else "outputs" if cell == cells else "inputs"
    return f"{what} ({cell}/{cells})"


def title_of(event: Event) -> tuple[str, str]:
    """The pipeline's name, and what is run with which values."""
    data = event.data
    sweep = data.get("sweep")
    if sweep:
        count = len(sweep["combinations"])
        parts = [f"{count} combination{'' if count == 1 else 's'}"]
        parts += [f"of {', '.join(sweep['varied'])}"] if sweep["varied"] else []
        parts += [f"drawn with seed {sweep['seed']}"] if sweep["seed"] is not None else []
        parts += [f"profile {data['profile']}"] if data["profile"] else []
        return data["pipeline"], f"{' '.join(parts)}, {len(data['tasks'])} steps"
    return title(data["pipeline"], data["tasks"], data["profile"], data["parameters"])


def title(name: str, tasks: Sequence[str], profile: str | None, parameters: Mapping[str, Any]) -> tuple[str, str]:
    """The pipeline's name, and what is run with which values."""
    parts = [f"{len(tasks)} step{'s' if len(tasks) != 1 else ''}"]
    if profile:
        parts.append(f"profile {profile}")
    values = ", ".join(f"{name}={_value(value)}" for name, value in parameters.items())
    return name, ", ".join([*parts, values] if values else parts)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:39]}…"


def amount(number: int) -> str:
    """Bytes in words: ``1.5 GB``."""
    size, unit = float(number), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"


def words_of(event: Event) -> str:
    """What happened to a task."""
    data = event.data
    match event.kind:
        case "task-started":
            return "started" if data["attempt"] == 1 else f"attempt {data['attempt']}"
        case "cell-started":
            return cell_words(data["cell"], data["cells"], data.get("number"))
        case "task-finished":
            return f"done in {duration(data['seconds'])}"
        case "task-skipped":
            return data["reason"] if data["up_to_date"] else f"not run: {data['reason']}"
        case "task-retried":
            return f"attempt {data['attempt']} of {data['attempts']} failed: {data['failure']['sentence']}"
        case "task-failed":
            state = "stopped" if data["failure"]["kind"] == "stopped" else "failed"
            return f"{state} after {duration(data['seconds'])}"
    return event.kind


class Lines:
    """Turns a run's events into lines, one for each that says something."""

    def __init__(self) -> None:
        self._order: Mapping[str, int] = {}

    def __call__(self, event: Event) -> str | None:
        """The line of an event, if it has one."""
        if event.kind == "run-queued":
            return f"Waiting until the run of {event.data['pipeline']} that goes on has ended."
        if event.kind == "run-started":
            self._order = {name: place for place, name in enumerate(event.data["tasks"], start=1)}
            name, more = title_of(event)
            return f"{name}: {more}"
        if event.kind == "notice":
            return str(event.data["text"])
        if event.task is None:
            return None
        return f"[{self._order.get(event.task, 0)}/{len(self._order)}] {event.task}: {words_of(event)}"
