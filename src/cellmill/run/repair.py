"""What a pipeline's last run left undone, read from its record: what `--repair` runs, and with which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError, shown
from cellmill.notebook import project_root
from cellmill.run.history import LoggedRun, record_folders

_DONE = ("done", "up-to-date")


@dataclass(frozen=True)
class Repair:
    """What one run left undone.

    Attributes
    ----------
    run_id
        The run.
    broken
        The tasks that it had begun and did not finish: they failed, were stopped, or the run was lost in them.
    unreached
        The tasks that it was to look at and never came to.
    parameters, profile
        The values with which it ran.
    """

    run_id: str
    broken: tuple[str, ...]
    unreached: tuple[str, ...]
    parameters: Mapping[str, Any]
    profile: str | None


def last_repair(folder: Path, *, but: str | None = None) -> Repair:
    """What the last run of a pipeline left undone.

    Parameters
    ----------
    folder
        The pipeline's folder.
    but
        A run that does not count: the one that repairs.

    Raises
    ------
    CellmillError
        If there was no run, the last one succeeded, or it goes on.
    """
    folder = folder.resolve()
    last = next(_runs(folder, but), None)
    command = f"type `cellmill run {shown(folder)}`"
    if last is None:
        raise CellmillError("there is no run to repair", notebook=folder, remedy=command)
    if last.goes_on:
        raise CellmillError(f"the last run, {last.run_id}, goes on", notebook=folder, remedy="wait until it has ended")
    if last.state == "succeeded":
        raise CellmillError(
            f"there is nothing to repair: the last run, {last.run_id}, succeeded", notebook=folder, remedy=command
        )
    return repair_of(last)


def repair_of(run: LoggedRun) -> Repair:
    """What this run left undone."""
    told = run.as_dict()
    asked = run.asked
    undone = [one for one in told["tasks"] if one["state"] not in _DONE and (asked is None or one["name"] in asked)]
    broken = tuple(one["name"] for one in undone if one["state"] in ("failed", "stopped"))
    unreached = tuple(one["name"] for one in undone if one["name"] not in broken)
    return Repair(run.run_id, broken, unreached, told["parameters"], told["profile"])


def _runs(folder: Path, but: str | None) -> Iterator[LoggedRun]:
    """The pipeline's runs that have executed something, newest first."""
    for record in record_folders(project_root(folder)):
        run = LoggedRun(record)
        if run.valid and run.run_id != but and run.pipeline == folder and run.kind == "run" and run.state != "refused":
            yield run
