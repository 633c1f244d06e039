"""How a run ended: the failure with its place in the notebook, where the reports are, what to type next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cellmill.errors import shown
from cellmill.run.failure import Failure
from cellmill.run.result import RunResult, TaskState
from cellmill.run.words import duration

if TYPE_CHECKING:
    from rich.console import Console

# Lines that are shown above and below the one that failed.
_NEIGHBOURS = 3
# Metrics of a step that are printed; libraries that log by themselves log many.
_MOST = 12
# IPython's tracebacks: a frame's first line, the line that failed, another line of code.
_FRAME = re.compile(r"(Cell In\s*\[\d+\],? line \d+|File .+?:\d+)")
_ARROW = re.compile(r"-+> *\d+ ")
_CODE = re.compile(r" +\d+ ")
_WORDS: dict[TaskState, str] = {
    "failed": "failed",
    "stopped": "stopped",
    "succeeded": "done",
    "up-to-date": "up to date",
    "not-run": "not run",
}


def print_outcome(
    console: Console,
    result: RunResult,
    options: Sequence[str],
    tracking: Sequence[str],
    logged: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Print the closing lines of a run.

    Parameters
    ----------
    options
        Those of the command line that the next run needs too: parameters and profile.
    tracking
        The tracker's lines on how to look at what it recorded.
    logged
        By task what its cells logged with MLflow.
    """
    for task in result.tasks:
        if task.failure is not None and task.failure.kind != "stopped":
            print_failure(console, task.failure)
    if result.state == "stopped" and not console.is_terminal:
        _print_stop(result)
    style = {"succeeded": "bold green", "failed": "bold red", "stopped": "bold yellow"}[result.state]
    console.print(
        f"[{style}]{result.state.capitalize()}[/] in {duration(result.seconds)}: {_count(result)}.", highlight=False
    )
    _print_lines(console, "Metrics", _metrics(result, logged or {}))
    _print_lines(console, "Reports", _reports(result))
    _print_lines(console, "Next", _next(result, options))
    for line in tracking:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    _print_standing(console, result)


def _print_standing(console: Console, result: RunResult) -> None:
    """Say quietly how far it is proven that the pipeline gives what its notebook gives."""
    from cellmill.cli.standing import is_promoted, standing_line

    if is_promoted(result.folder):
        text = standing_line(result.folder)
        console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)


def print_failure(console: Console, failure: Failure) -> None:
    """Print what failed: a panel in a terminal; elsewhere the sentence alone, on stderr."""
    if not console.is_terminal:
        from rich.console import Console

        Console(stderr=True).print(f"Error: {failure.sentence}", markup=False, highlight=False, soft_wrap=True)
        return
    from rich import box
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    parts: list[Text] = [Text(failure.sentence)]
    for excerpt in _excerpts(failure):
        parts += [Text(), *(Text(line, "bold" if line.startswith("-") else "dim") for line in excerpt)]
    if failure.report:
        parts += [Text(), Text.assemble(("report  ", "dim"), shown(Path(failure.report)))]
    for part in parts:
        part.overflow = "fold"
    title = Text(f"step {failure.task}: {failure.error or failure.kind}", "bold red")
    ascii_only = not console.encoding.lower().startswith("utf")
    panel = Panel(
        Group(*parts),
        title=title,
        title_align="left",
        border_style="red",
        box=box.ASCII if ascii_only else box.ROUNDED,
        padding=(0, 1),
    )
    console.print(panel)


def _print_stop(result: RunResult) -> None:
    """Say on stderr what a terminal shows in its table anyway: where the run was stopped."""
    from rich.console import Console

    stopped = [task.failure for task in result.tasks if task.failure is not None and task.failure.kind == "stopped"]
    sentence = stopped[0].sentence if stopped else "Stopped; the next run goes on from here."
    Console(stderr=True).print(sentence, markup=False, highlight=False, soft_wrap=True)


def _excerpts(failure: Failure) -> list[list[str]]:
    """The traceback's frames that the author wrote: the failing cell's, and the innermost one in a cell."""
    if failure.kind not in ("error", "check", "timeout", "hand-over"):
        return []
    frames: list[list[str]] = []
    for line in failure.traceback.splitlines():
        if _FRAME.match(line):
            frames.append([line])
        elif frames:
            frames[-1].append(line)
    own = [frame for frame in frames if frame[0].startswith("Cell In")]
    shown_frames = own[:1] if own[:1] == own[-1:] else [own[0], own[-1]]
    excerpts = [_excerpt(frame) for frame in shown_frames]
    if len(excerpts) == 2:
        excerpts[1].insert(0, f"in {shown_frames[1][0].partition(', in ')[2]}")
    return [excerpt for excerpt in excerpts if excerpt]


def _excerpt(frame: list[str]) -> list[str]:
    """The line that failed with its neighbours."""
    arrows = [place for place, line in enumerate(frame) if _ARROW.match(line)]
    if not arrows:
        return []
    first = arrows[0]
    begin, end = first, first + 1
    while begin > 0 and _CODE.match(frame[begin - 1]) and first - begin < _NEIGHBOURS:
        begin -= 1
    while end < len(frame) and _CODE.match(frame[end]) and end - first <= _NEIGHBOURS:
        end += 1
    return frame[begin:end]


def _count(result: RunResult) -> str:
    states = [task.state for task in result.tasks]
    parts = [f"{states.count(state)} {words}" for state, words in _WORDS.items() if state in states]
    if not parts:
        return "nothing was run"
    number, _, words = parts[0].partition(" ")
    return ", ".join([f"{number} step{'s' if number != '1' else ''} {words}", *parts[1:]])


def _reports(result: RunResult) -> list[str]:
    reports = [task.report for task in result.tasks if task.report is not None and task.report.exists()]
    return [shown(reports[0])] if len(reports) == 1 else [f"{shown(result.output)}/*.html"] if reports else []


def _metrics(result: RunResult, logged: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What ``%metric`` and MLflow recorded in this run, a line for each step."""
    lines = []
    for task in result.tasks:
        found = [f"{name} = {_number(value)}" for name, value in {**logged.get(task.name, {}), **task.metrics}.items()]
        if len(found) > _MOST:
            found[_MOST:] = [f"{len(found) - _MOST} more in MLflow"]
        if found and task.state != "up-to-date":
            lines.append(f"{task.name}: {', '.join(found)}")
    return lines


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _next(result: RunResult, options: Sequence[str]) -> list[str]:
    command = shlex.join(["cellmill", "run", shown(result.folder), *options])
    if result.state == "stopped":
        return [command]
    bad = next((task for task in result.tasks if task.state == "failed"), None)
    if bad is None or bad.failure is None:
        return []
    # What a repair would run anyway begins with the step that failed.
    again = command if "--repair" in options else f"{command} --from {bad.name}"
    if bad.failure.cell is not None and bad.failure.notebook is not None:
        notebook = shown(Path(bad.failure.notebook))
        values = ", or the values given by -p" if "-p" in options else ""
        correct = f"correct cell {bad.failure.cell} of {notebook}{values}, then"
        look = f"see it fail again: %reproduce in the notebook, or cellmill reproduce {result.run_id}"
        return [correct, f"cellmill promote {notebook}", again, look]
    return [again]


def _print_lines(console: Console, label: str, lines: Sequence[str]) -> None:
    for place, text in enumerate(lines):
        head = f"{label}:" if place == 0 else ""
        console.print(f"{head:<9}{text}", markup=False, highlight=False, soft_wrap=True)
