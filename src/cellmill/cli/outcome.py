"""How a run ended: the failure with its place in the notebook, where the reports are, what to type next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cellmill.cli.paths import shown
from cellmill.cli.progress import duration
from cellmill.run.failure import Failure
from cellmill.run.result import RunResult, TaskState

if TYPE_CHECKING:
    from rich.console import Console

# Lines of the traceback that are shown around the line that failed.
_EXCERPT = 9
_WORDS: dict[TaskState, str] = {
    "failed": "failed",
    "stopped": "stopped",
    "succeeded": "done",
    "up-to-date": "up to date",
    "not-run": "not run",
}


def print_outcome(console: Console, result: RunResult, tracking: Sequence[str]) -> None:
    """Print the closing lines of a run.

    Parameters
    ----------
    tracking
        The tracker's lines on how to look at what it recorded.
    """
    for task in result.tasks:
        if task.failure is not None and task.failure.kind != "stopped":
            print_failure(console, task.failure)
    style = {"succeeded": "bold green", "failed": "bold red", "stopped": "bold yellow"}[result.state]
    console.print(
        f"[{style}]{result.state.capitalize()}[/] in {duration(result.seconds)}: {_count(result)}.", highlight=False
    )
    lines = [("Reports", where) for where in _reports(result)]
    lines += [("Next", step) for step in _next(result)]
    for label, text in lines:
        _print_line(console, label, text)
    for line in tracking:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


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
    excerpt = _excerpt(failure)
    if excerpt:
        parts += [Text(), *(Text(line, "bold" if line.lstrip().startswith("-") else "dim") for line in excerpt)]
    files = [("notebook", failure.notebook), ("executed", failure.executed), ("report", failure.report)]
    known = [(label, path) for label, path in files if path]
    if known:
        parts.append(Text())
        parts += [Text.assemble((f"{label:<9}", "dim"), shown(Path(path))) for label, path in known]
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


def _excerpt(failure: Failure) -> list[str]:
    """The cell's own frame of the traceback: the line that failed with its neighbours."""
    if failure.kind not in ("error", "check", "timeout", "hand-over"):
        return []
    lines = failure.traceback.splitlines()
    arrows = [place for place, line in enumerate(lines) if line.startswith("-") and "> " in line]
    if not arrows:
        return []
    first = arrows[0]
    begin, end = first, first + 1
    while begin > 0 and _is_code(lines[begin - 1]) and first - begin < _EXCERPT // 2:
        begin -= 1
    while end < len(lines) and _is_code(lines[end]) and end - first <= _EXCERPT // 2:
        end += 1
    return lines[begin:end]


def _is_code(line: str) -> bool:
    """True for lines such as ``      2 y = 1`` in IPython's tracebacks."""
    return line.startswith(" ") and line.split(maxsplit=1)[:1] != [] and line.split(maxsplit=1)[0].isdigit()


def _count(result: RunResult) -> str:
    states = [task.state for task in result.tasks]
    parts = [f"{states.count(state)} {words}" for state, words in _WORDS.items() if state in states]
    if not parts:
        return "nothing was run"
    number = states.count(states[0])
    first = f"{number} step{'s' if number != 1 else ''} {_WORDS[states[0]]}"
    return first if len(parts) == 1 else f"steps {', '.join(parts)}"


def _reports(result: RunResult) -> list[str]:
    reports = [task.report for task in result.tasks if task.report is not None and task.report.exists()]
    return [f"{shown(result.output)} ({', '.join(report.name for report in reports)})"] if reports else []


def _next(result: RunResult) -> list[str]:
    folder = shown(result.folder)
    if result.state == "stopped":
        return [f"cellmill run {folder}"]
    bad = next((task for task in result.tasks if task.state == "failed"), None)
    if bad is None or bad.failure is None:
        return []
    again = f"cellmill run {folder} --from {bad.name}"
    if bad.failure.cell is not None and bad.failure.notebook is not None:
        notebook = shown(Path(bad.failure.notebook))
        return [f"correct cell {bad.failure.cell} of {notebook}, then", f"cellmill promote {notebook}", again]
    return [again]


def _print_line(console: Console, label: str, text: str) -> None:
    console.print(f"{label + ':':<9}{text}", markup=False, highlight=False, soft_wrap=True)
