"""Why a task failed, told for the person who wrote the notebook: source cell, line, error, the file to open."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellmill.errors import CellmillError, shown
from cellmill.run.origin import Origin, Place

if TYPE_CHECKING:
    from cellmill.run.engine import CellFailure

FailureKind = Literal["error", "check", "criteria", "timeout", "memory", "kernel-died", "hand-over", "stopped"]

# The name of a failure that lost the kernel with the machine that it ran on.
WORKER_LOST = "WorkerLost"

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELL_LINE = re.compile(r"Cell In\s*\[(\d+)\],? line (\d+)")
_FILE_LINE = re.compile(r"^File (.+?):(\d+)(?:, in |$)", re.MULTILINE)
_MISSING_FILE = re.compile(r"No such file or directory: (?:PosixPath\(|WindowsPath\()?['\"](.+?)['\"]")
_DISK = {
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "there is no permission to write",
    errno.EPERM: "there is no permission to write",
}
_VARIABLE = re.compile(r"\bvariable `(\w+)`")
_OS_ERROR = re.compile(r"\[Errno (\d+)\] ([^:]*)(?:: '(.+)')?")
# NumPy's words where the disk took only a part of an array; it does not say why.
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR)
_LONGEST_VALUE = 500


@dataclass(frozen=True)
class Failure:
    """One task's failure; every field is JSON-ready and the whole pickles.

    Attributes
    ----------
    task
        The task (the step's name).
    kind
        ``error``: a cell raised; ``check``: a check cell raised; ``criteria``: a ``%criteria`` was not met;
        ``timeout``: the step's time was up; ``memory``: it held more than it may; ``kernel-died``: the process ended;
        ``hand-over``: variables could not be read or written; ``stopped``: the user stopped the run.
    sentence
        What went wrong, where, and what to do, in one sentence.
    notebook
        The source notebook (absolute path), or the task's file if the cell has no source cell.
    cell, cell_id, line
        The source cell's number (from 1, all cells counted) and id, and the line in it.
    error, value
        The exception's name and message (one line).
    traceback
        IPython's traceback without colours.
    executed, report
        The executed notebook and its HTML report, if they were written.
    """

    task: str
    kind: FailureKind
    sentence: str
    notebook: str | None = None
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None
    error: str = ""
    value: str = ""
    traceback: str = ""
    executed: str | None = None
    report: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task when its failure is told."""

    name: str
    file: Path
    pipeline: Path
    workdir: Path | None
    executed: Path | None
    origin: Origin


def failure_of_cell(cell: CellFailure, task: TaskFacts) -> Failure:
    """Tell a failure that the engine saw."""
    executed = task.executed if task.executed is not None and task.executed.exists() else None
    task = replace(task, executed=executed)
    traceback = _COLOURS.sub("", "\n".join(cell.traceback))
    place = _place(cell, traceback, task)
    kind = _kind(cell, place)
    value = _one_line(cell.value)
    if kind == "hand-over" and executed is not None and (found := _VARIABLE.search(value)):
        place = task.origin.of_variable(found[1], executed) or place
    if kind in ("check", "error") and cell.name == "AssertionError" and not value:
        value = _line_of(cell, traceback) or ""
    return Failure(
        task=task.name,
        kind=kind,
        sentence=_sentence(kind, cell.name, value, place, task),
        notebook=str(place.file),
        cell=place.cell,
        cell_id=place.cell_id,
        line=place.line,
        error=cell.name,
        value=value,
        traceback=traceback,
        executed=str(executed) if executed else None,
    )


def failure_of_exception(error: BaseException, task: TaskFacts) -> Failure:
    """Tell a failure outside of any cell: the disk, a missing product, a task that is no notebook."""
    causes = list(_causes(error))
    disk = next((cause for cause in causes if isinstance(cause, OSError) and cause.errno in _DISK), None)
    told = next((cause for cause in causes if isinstance(cause, CellmillError)), None)
    deepest = told or disk or causes[-1]
    value = _one_line(str(deepest))
    if told is not None:
        sentence = str(told)
    elif disk is not None:
        sentence = f"step {task.name}: {disk_words(disk)}."
    elif "products are missing" in str(deepest):
        missing = ", ".join(re.findall(r"File\('?([^')]+)'?\)", str(deepest))) or "its products"
        sentence = (
            f"{shown(task.file)} (step {task.name}): the cells ran to their end, but {missing} was not written; "
            f"look into {shown(task.executed) if task.executed else 'the executed notebook'}."
        )
    else:
        sentence = f"{shown(task.file)} (step {task.name}): {type(deepest).__name__}: {value}."
    return Failure(
        task=task.name,
        kind="error",
        sentence=sentence,
        notebook=str(task.file),
        error=type(deepest).__name__,
        value=value,
        executed=str(task.executed) if task.executed is not None and task.executed.exists() else None,
    )


def disk_words(error: OSError) -> str:
    """Say in a clause what the disk refused and what to do.

    Examples
    --------
    >>> disk_words(OSError(errno.ENOSPC, "No space left on device", "output/load.ipynb"))
    'there is no space left on the disk (output/load.ipynb); free some or run with the pipeline on another disk'
    """
    words = _DISK.get(error.errno or 0, error.strerror or str(error))
    where = f" ({shown(Path(error.filename))})" if isinstance(error.filename, str) and error.filename else ""
    remedy = "make the folder writable or copy the pipeline to one that is"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free some or run with the pipeline on another disk"
    elif error.errno in _IN_THE_WAY:
        words, remedy = "a file stands where a folder is needed", "move it away"
    return f"{words}{where}; {remedy}"


def _kind(cell: CellFailure, place: Place) -> FailureKind:
    if cell.kind != "error":
        return cell.kind
    if cell.name == "AssertionError" and cell.value.startswith("criteria not met"):
        return "criteria"
    if any(tag == "check" or tag.startswith("check:") for tag in cell.tags):
        return "check"
    if {"inputs", "outputs"} & set(cell.tags) and place.cell is None:
        return "hand-over"
    return "error"


def _place(cell: CellFailure, traceback: str, task: TaskFacts) -> Place:
    line = _line_in_cell(cell, traceback)
    place = task.origin.of_cell(cell.cell_id, line)
    if place is not None:
        return place
    # Shared cells run inside the hand-over's cell; the frame in their file tells which.
    for file, number in reversed(_FILE_LINE.findall(traceback)):
        place = task.origin.of_line(Path(file).expanduser(), int(number))
        if place is not None:
            return place
    return Place(task.file)


def _line_in_cell(cell: CellFailure, traceback: str) -> int | None:
    found = [(int(count), int(line)) for count, line in _CELL_LINE.findall(traceback)]
    own = [line for count, line in found if count == cell.execution_count]
    if own:
        return own[0]
    return found[0][1] if found and cell.execution_count is None else None


def _line_of(cell: CellFailure, traceback: str) -> str | None:
    line = _line_in_cell(cell, traceback)
    lines = cell.source.splitlines()
    return lines[line - 1].strip() if line is not None and line <= len(lines) else None


def _sentence(kind: FailureKind, name: str, value: str, place: Place, task: TaskFacts) -> str:
    where = ", ".join(
        [shown(place.file)]
        + ([f"cell {place.cell}"] if place.cell is not None else [])
        + ([f"line {place.line}"] if place.line is not None else [])
    )
    where = f"{where} (step {task.name})"
    opened = f"; open {shown(task.executed)}" if task.executed is not None else ""
    match kind:
        case "stopped":
            return f"{where}: stopped; the next run goes on from here."
        case "timeout":
            limit = f"make it faster or raise steps.{task.name}.timeout in cellmill.yaml"
            return f"{where}: {value} and was ended; {limit}."
        case "memory":
            limit = f"use less there or raise steps.{task.name}.memory_limit in cellmill.yaml"
            return f"{where}: {value}, and was ended; {limit}."
        case "kernel-died" if name == WORKER_LOST:
            return f"{where}: {value}."
        case "kernel-died":
            during = "while this cell ran" if place.cell is not None else "before a cell ran"
            memory = "; use less memory there, or a machine that has more" if "SIGKILL" in value else opened
            return f"{where}: the kernel died {during} ({value}){memory}."
        case "check":
            return f"{where}: a check failed: {value}{opened}."
        case "hand-over" if disk := _refused_by_disk(value):
            return f"{where}: {disk_words(disk)}."
        case "criteria" | "hand-over":
            return f"{where}: {value or name}{opened}."
    if name == "FileNotFoundError":
        return f"{where}: {_missing(value, task.workdir)}."
    if name == "SystemExit":
        return f"{where}: the cell left the step by exit(), before its variables were handed over; take the exit out."
    return f"{where}: {name}: {value}{opened}." if value else f"{where}: {name}{opened}."


def _refused_by_disk(value: str) -> OSError | None:
    """The error that a kernel told in words, if the disk is the reason."""
    if _CUT_SHORT.match(value):
        return OSError(errno.ENOSPC, value)
    match = _OS_ERROR.match(value)
    return OSError(int(match[1]), match[2], match[3]) if match and int(match[1]) in _DISK else None


def _missing(value: str, workdir: Path | None) -> str:
    match = _MISSING_FILE.search(value)
    folder = f"the working folder {workdir}" if workdir is not None else "its working folder"
    if match is None:
        return f"{value}; the step runs in {folder}"
    if Path(match[1]).is_absolute():
        return f"there is no file {match[1]}; put it there or correct the path"
    return f"there is no file {match[1]} in {folder}; put it there or correct the path"


def _one_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "").rstrip(".")
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + "…"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
