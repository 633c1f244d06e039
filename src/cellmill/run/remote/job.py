"""What goes to a worker for one task, and what comes back: plain data, which pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cellmill.run.engine import CellFailure


@dataclass(frozen=True)
class Attempt:
    """One whole set of a task's files in the storage, each named by its path from the folder of products.

    Attributes
    ----------
    at
        Its folder, from the storage's base. No other attempt ever writes there.
    files
        Sizes in bytes by name.
    """

    at: str
    files: Mapping[str, int]


@dataclass(frozen=True)
class Job:
    """One task for a worker. Paths are those of the machine that asks; the worker puts its own in their place.

    Attributes
    ----------
    topic, number
        Under what the worker tells what happens, and the job's number there.
    notebook
        The rendered notebook, as JSON.
    storage, place
        The storage's URL, and in what folder of it each execution makes one of its own.
    code
        The name of the zip of the pipeline's files in the storage; None where the worker shares the disk.
    root
        The folder that the zip holds.
    folder
        The kernel's working folder.
    products
        Names of what the task makes, from the folder of products; the executed notebook is the first.
    upstream
        What the task starts from.
    versions
        What the worker must have in common with who asks.
    """

    topic: str
    number: str
    step: str
    notebook: str
    kernel: str
    start_timeout: float
    cell_timeout: float | None
    timeout: float | None
    memory_limit: int | None
    attempts: int
    storage: str
    place: str
    code: str | None
    root: Path
    output: Path
    folder: Path | None
    products: tuple[str, ...]
    upstream: tuple[Attempt, ...]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    made
        The files that the task left, of a failed one too.
    raised
        The error where Papermill could not run the cells at all.
    """

    made: Attempt
    failure: CellFailure | None = None
    raised: str | None = None
