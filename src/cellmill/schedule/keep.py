"""What stays of a schedule's runs: executed notebooks and reports as they were, until the schedule lets them go."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cellmill.run.history import LoggedRun
from cellmill.run.log import is_held, runs_folder
from cellmill.schedule.declare import Known
from cellmill.schedule.settings import KeepSettings
from cellmill.schedule.store import ENDED, Store
from cellmill.schedule.ticks import Tick, last_success, ticks_of

logger = logging.getLogger("cellmill.scheduler")

FOLDER = "notebooks"
"""Below a run's record: the executed notebooks and reports of the tasks that the run executed."""

_EXECUTED = ("done", "failed", "stopped")


def keep_outputs(record: Path) -> Path | None:
    """Copy what a run's tasks have made, so that the next run can't change it; the copies can't be written to.

    Returns
    -------
    Path or None
        The folder of the copies; None if there was nothing to copy.
    """
    target = record / FOLDER
    for path in _made(record):
        copy = target / path.name
        if copy.exists():
            continue
        try:
            target.mkdir(exist_ok=True)
            temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
            shutil.copyfile(path, temporary)
            os.chmod(temporary, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
            os.replace(temporary, copy)
        except OSError as error:
            # The run has happened all the same; MLflow has them too.
            logger.warning("%s is not kept with its run (%s).", path.name, error.strerror)
    return target if target.is_dir() else None


def clean_up(store: Store, known: Known, now: float) -> list[str]:
    """Take away the records of a schedule's runs that its ``keep`` lets go; the last success always stays.

    What the store knows of them, and what MLflow has, stays as well.

    Returns
    -------
    list
        The ids of the runs whose records are gone.
    """
    success = last_success(store, known.id)
    ticks = ticks_of(store, [known.id], limit=100_000, states=ENDED)
    stays = {run for tick in ticks if tick.state == "succeeded" and tick.due == success for run in tick.runs[-1:]}
    gone = []
    for record in _too_many(known, ticks, known.settings.keep, now):
        if record.name not in stays and not is_held(record):
            _remove(record)
            gone.append(record.name)
    return gone


def _made(record: Path) -> Iterator[Path]:
    for task in LoggedRun(record).as_dict()["tasks"]:
        if task["state"] in _EXECUTED:
            failure = task["failure"] or {}
            for path in (task["notebook"] or failure.get("executed"), task["report"] or failure.get("report")):
                if path and Path(path).is_file():
                    yield Path(path)


def _too_many(known: Known, ticks: list[Tick], keep: KeepSettings, now: float) -> Iterator[Path]:
    """The records beyond the limits, from the latest run on."""
    held = 0
    number = 0
    for run_id in (run for tick in ticks for run in reversed(tick.runs)):
        record = runs_folder(known.root) / run_id
        try:
            facts = record.stat()
        except OSError:
            continue
        number += 1
        held += _size(record) if keep.size is not None else 0
        too_old = keep.age is not None and now - facts.st_mtime > keep.age
        if (keep.count is not None and number > keep.count) or too_old or (keep.size is not None and held > keep.size):
            yield record


def _size(record: Path) -> int:
    return sum(path.stat().st_size for path in record.rglob("*") if path.is_file())


def _remove(record: Path) -> None:
    """Take away a record; its name goes first, so that no half of one is found."""
    aside = record.with_name(f".gone-{record.name}")
    with suppress(OSError):
        os.rename(record, aside)
        shutil.rmtree(aside, ignore_errors=True)
