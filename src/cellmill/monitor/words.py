"""What alerts say: plain text that reads well in a chat and in an e-mail."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cellmill.monitor.levels import Levels
from cellmill.run.history import LoggedRun
from cellmill.run.words import duration
from cellmill.schedule.declare import Known
from cellmill.schedule.durations import written
from cellmill.schedule.keep import FOLDER
from cellmill.schedule.settings import AlertKind
from cellmill.schedule.ticks import Tick

# Kinds of a run's failure (see run/failure.py) that say that something was looked at and found wrong.
CHECKS = ("check", "criteria")
# Lines of an error, and letters of one of them.
_LINES = 8
_LONGEST = 300
_MOST_IN_FULL = 5
_MOST_TITLES = 40
_TITLE = 150
# IPython's tracebacks: a frame's first line, the line that failed, another line of code.
_FRAME = re.compile(r"(Cell In\s*\[\d+\],? line \d+|File .+?:\d+)")
_ARROW = re.compile(r"-+> *\d+ ")
_CODE = re.compile(r" +\d+ ")


@dataclass(frozen=True)
class Message:
    """One thing to tell."""

    kind: AlertKind
    title: str
    body: str


def failure_message(known: Known, tick: Tick, told: Mapping[str, Any]) -> Message:
    """A tick that failed or was lost, after its last attempt.

    Parameters
    ----------
    told
        The failure as the run's record has it; empty where none is known.
    """
    step = told.get("task")
    at = f" at step {step}" if step else ""
    check = told.get("kind") in CHECKS
    what = "a check failed" if check else {"lost": "was lost"}.get(tick.state, "failed")
    title = f"{known.label}: {what}{at}" if check else f"{known.label} {what}{at}"
    lines = [*_about(known, tick), _ended(known, tick)]
    lines += [f"Step: {step}"] if step else []
    lines += _cell(known, told)
    lines += _error(tick, told)
    lines += _links(tick, told)
    return Message("check" if check else "failure", title, "\n".join(lines))


def recovery_message(known: Known, tick: Tick, since: float, count: int, told: Mapping[str, Any]) -> Message:
    """The first success after an incident that began at ``since`` and held ``count`` failures."""
    times = "once" if count == 1 else f"{count} times"
    lines = [*_about(known, tick), f"Succeeded, after it had failed {times} since {local(since, known)}."]
    return Message("recovery", f"{known.label} works again", "\n".join([*lines, *_links(tick, told)]))


def missed_message(known: Known, tick: Tick) -> Message:
    """Times that nobody ran."""
    number = "a run" if tick.count == 1 else f"{tick.count} runs"
    until = f" to {local(tick.until, known)}" if tick.until is not None and tick.count > 1 else ""
    lines = [f"Pipeline: {known.folder.name}", f"Schedule: {known.name} ({known.settings.words()})"]
    lines += [f"Missed: {local(tick.due, known)}{until}", f"Why: {tick.reason}"]
    lines += [f"Run it now: cellmill schedule run-now {known.label}"]
    return Message("missed", f"{known.label} missed {number}", "\n".join(lines))


def late_message(known: Known, tick: Tick, now: float) -> Message:
    """A run that started later than the schedule allows, or has not started yet."""
    begun = tick.started is not None
    by = (tick.started or now) - tick.due
    what = f"Started: {local(tick.started, known)}" if tick.started is not None else "It still waits to start."
    lines = [*_about(known, tick), what, f"Allowed: {length(known.settings.late or 0.0)} (late)"]
    lines += ["Look: cellmill status"]
    word = "started" if begun else "has waited"
    return Message("late", f"{known.label} {word} {duration(by)} {'late' if begun else 'to start'}", "\n".join(lines))


def level_message(folder: Path, levels: Levels, what: str) -> Message:
    """A service level that does not hold any more: ``freshness`` or ``success-rate``."""
    settings, name = levels.settings, folder.name
    if what == "freshness":
        assert settings.freshness is not None
        assert levels.age is not None
        title = f"{name}: no good product for more than {length(settings.freshness)}"
        last = (
            f"{datetime.fromtimestamp(levels.last_good).astimezone():%a %Y-%m-%d %H:%M:%S %Z}"
            if levels.last_good is not None
            else "none yet"
        )
        lines = [f"Last good product: {last}", f"Promised: at most {length(settings.freshness)} old (freshness)"]
    else:
        assert settings.success_rate is not None
        assert levels.window.success_rate is not None
        share = percent(levels.window.success_rate, settings.success_rate)
        title = f"{name}: {share} of runs succeeded (promised: {percent(settings.success_rate)})"
        lines = [
            f"Last {length(settings.window)}: {levels.window.good} good, {levels.window.bad} bad",
            f"Error budget: {levels.budget:.3g} bad runs; the burn rate is {rate(levels.burn or 0.0)}",
        ]
    return Message("check", title, "\n".join([f"Pipeline: {name}", *lines, f"Look: cellmill status {name}"]))


def level_recovery(folder: Path, levels: Levels, what: str) -> Message:
    """A service level that holds again."""
    name = folder.name
    if what == "freshness":
        title, line = f"{name} is fresh again", f"Last good product: {span(levels.age or 0.0)} old"
    else:
        title = f"{name} keeps its success rate again"
        line = f"Last {length(levels.settings.window)}: {levels.window.good} good, {levels.window.bad} bad"
    return Message("recovery", title, f"Pipeline: {name}\n{line}\nLook: cellmill status {name}")


def grouped(messages: Sequence[tuple[str, str]], note: str = "") -> tuple[str, str]:
    """One message of several, given by title and body; the first in full, of the others the titles.

    Parameters
    ----------
    note
        What is to be said of the group.
    """
    if len(messages) == 1:
        title, body = messages[0]
        return _cut(title, _TITLE), f"{body}\n{note}" if note else body
    titles = [title for title, _ in messages]
    head = _cut(f"{len(messages)} alerts: {'; '.join(titles)}", _TITLE)
    parts = [f"{title}\n{body}" for title, body in messages[:_MOST_IN_FULL]]
    rest = titles[_MOST_IN_FULL:]
    if rest:
        more = [f"- {title}" for title in rest[:_MOST_TITLES]]
        left = len(rest) - len(more)
        more += [f"and {left} more; type `cellmill status`"] if left else []
        parts.append("\n".join(["And:", *more]))
    return head, "\n\n".join([*parts, *([note] if note else [])])


def told_failure(tick: Tick) -> dict[str, Any]:
    """A run's first failure as its record tells it, with MLflow's address; empty where there is no record here."""
    if not tick.record or not Path(tick.record).is_dir():
        return {}
    told = LoggedRun(Path(tick.record)).as_dict()
    found = next((task["failure"] for task in told["tasks"] if task["failure"]), None)
    mlflow = told["mlflow"] or {}
    if found is not None and found.get("report"):
        # The run's own copy: what lies in the pipeline's folder is the next run's by tomorrow.
        kept = Path(tick.record) / FOLDER / Path(found["report"]).name
        found = {**found, "report": str(kept if kept.exists() else found["report"])}
    return {**(found or {}), "mlflow": mlflow.get("url"), "ui_command": mlflow.get("ui_command")}


def local(at: float, known: Known) -> str:
    """A moment on the schedule's clock."""
    return f"{datetime.fromtimestamp(at, known.settings.zone):%a %Y-%m-%d %H:%M:%S %Z}"


def percent(share: float, target: float | None = None) -> str:
    """A share in percent, with as many digits as it takes to tell it from the target.

    Examples
    --------
    >>> percent(0.99), percent(0.98997, 0.99), percent(1.0)
    ('99%', '98.997%', '100%')
    """
    for digits in range(6):
        text = f"{100 * share:.{digits}f}"
        near = abs(float(text) - 100 * share) < 0.005 or digits >= 2
        if near and (target is None or share == target or text != f"{100 * target:.{digits}f}"):
            break
    return f"{text}%"


def span(seconds: float) -> str:
    """About how long something is, as people say it.

    Examples
    --------
    >>> span(75), span(30 * 60), span(30 * 3600), span(75 * 3600)
    ('75 s', '30 min', '30 h', '3 d')
    """
    for unit, size, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if round(seconds / size) <= most:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds / 86400)} d"


def length(seconds: float) -> str:
    """How long something is, exactly.

    Examples
    --------
    >>> length(30 * 86400), length(26 * 3600), length(5400), length(5430)
    ('30 d', '26 h', '90 min', '1h30m30s')
    """
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return written(seconds)


def rate(value: float) -> str:
    """A burn rate with as many digits as count.

    Examples
    --------
    >>> rate(0.123), rate(3.8461), rate(266.7)
    ('0.12', '3.8', '267')
    """
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def level_words(levels: Mapping[str, Any]) -> dict[str, str]:
    """A pipeline's service levels (:meth:`cellmill.monitor.levels.Levels.as_dict`), as people say them.

    Returns
    -------
    dict
        ``success`` of ``promised`` over ``window``, ``budget``, ``burn_24h``, ``age`` of ``freshness``; empty texts for
        what is not promised, or what there is nothing to say of.
    """
    target, limit = levels["success_rate_target"], levels["freshness"]
    words = dict.fromkeys(("success", "promised", "window", "budget", "burn_24h", "age", "freshness"), "")
    if target is not None:
        words |= {"promised": percent(target), "window": length(levels["window"]), "success": "no runs"}
    if target is not None and levels["success_rate"] is not None:
        words["success"] = percent(levels["success_rate"], target)
        used = f"{rate(levels['burn'])} times used"
        words["budget"] = used if levels["success_broken"] else f"{100 * levels['budget_left']:.0f}%"
        words["burn_24h"] = rate(levels["burn_24h"]) if levels["burn_24h"] is not None else ""
    if limit is not None:
        words |= {"freshness": length(limit), "age": "none yet"}
        if levels["last_good"] is not None:
            words["age"] = span(levels["age"])
    return words


def _about(known: Known, tick: Tick) -> list[str]:
    due = f"Due: {local(tick.due, known)}"
    causes = {"file": f" (for {tick.file})", "after": f" (after run {tick.upstream})", "hand": " (by hand)"}
    return [
        f"Pipeline: {known.folder.name}",
        f"Schedule: {known.name} ({known.settings.words()})",
        due + causes.get(tick.cause, ""),
    ]


def _ended(known: Known, tick: Tick) -> str:
    what = "Lost" if tick.state == "lost" else "Failed"
    when = f": {local(tick.ended, known)}" if tick.ended is not None else ""
    length = f", after {duration(tick.ended - tick.started)}" if tick.ended is not None and tick.started else ""
    attempts = (
        f", attempt {tick.attempt} of {known.settings.retries + 1}" if tick.attempt and known.settings.retries else ""
    )
    return f"{what}{when}{length}{attempts}"


def _cell(known: Known, told: Mapping[str, Any]) -> list[str]:
    notebook, cell, line = told.get("notebook"), told.get("cell"), told.get("line")
    if not notebook:
        return []
    path = os.path.relpath(notebook, known.root) if Path(notebook).is_relative_to(known.root) else notebook
    where = [str(path), *([f"cell {cell}"] if cell is not None else []), *([f"line {line}"] if line else [])]
    return [f"Cell: {', '.join(where)}"]


def _error(tick: Tick, told: Mapping[str, Any]) -> list[str]:
    """The first lines of the error: its name and words, and the author's line that raised it."""
    name, value = told.get("error"), told.get("value")
    if not name and not value:
        text = tick.reason or told.get("sentence") or ""
        return [f"Error: {_cut(text, 3 * _LONGEST)}"] if text else []
    first = f"{name}: {value}" if name and value and told.get("kind") not in CHECKS else str(value or name)
    code = _excerpt(str(told.get("traceback") or ""))
    return [f"Error: {_cut(first, 2 * _LONGEST)}", *(f"    {line[:_LONGEST]}" for line in code)]


def _excerpt(traceback: str) -> list[str]:
    """The frame of the author's cell, around the line that failed."""
    frame: list[str] = []
    for line in traceback.splitlines():
        if _FRAME.match(line):
            if frame and any(map(_ARROW.match, frame)):
                break
            frame = []
        elif _ARROW.match(line) or _CODE.match(line):
            frame.append(line.rstrip())
    arrow = next((place for place, line in enumerate(frame) if _ARROW.match(line)), None)
    return frame[max(0, arrow - 2) : arrow + 2][:_LINES] if arrow is not None else []


def _links(tick: Tick, told: Mapping[str, Any]) -> list[str]:
    # Without a server of MLflow's the address is that of one to start.
    start = f" (start it with: {told['ui_command']})" if told.get("ui_command") else ""
    lines = [f"MLflow: {told['mlflow']}{start}"] if told.get("mlflow") else []
    lines += [f"Report: {told['report']}"] if told.get("report") else []
    if tick.run_id:
        lines += [f"Look: cellmill runs --follow {tick.run_id}"]
        lines += [f"See it fail again: cellmill reproduce {tick.run_id}"] if tick.state == "failed" else []
    return lines


def _cut(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
