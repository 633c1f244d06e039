"""Finds what schedules wait for that is no time: files that came or changed, runs of other pipelines that succeeded."""

from __future__ import annotations

import glob
import logging
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.run.database import find_runs
from cellmill.schedule.declare import Known
from cellmill.schedule.due import Cause
from cellmill.schedule.triggers import After, OnFile

logger = logging.getLogger("cellmill.scheduler")

# A file counts once it has not changed for so many seconds: it may still be written.
STEADY = 2.0
# Files that one pattern may match.
_MOST = 10_000
# Seconds that looking for files of one schedule may take: the others wait meanwhile.
_LONGEST_LOOK = 2.0
# Schedules of which it was told that there are too many files.
_told_of: set[str] = set()
# Runs of another pipeline that are looked at.
_LAST = 50


def causes_of(known: Known, now: float) -> tuple[list[Cause], Any]:
    """What has come that a schedule waits for.

    Returns
    -------
    list, object
        The causes, and what of them is seen to with that: to be kept with the schedule.
    """
    trigger = known.settings.trigger
    if isinstance(trigger, OnFile):
        return _files(known, trigger, now)
    if isinstance(trigger, After):
        return _runs(known, trigger, now)
    return [], known.seen


def _files(known: Known, trigger: OnFile, now: float) -> tuple[list[Cause], Any]:
    seen: Mapping[str, Any] | None = known.seen
    found: dict[str, list[int]] = {}
    whole, folder, limit = True, working_folder(known.folder), time.monotonic() + _LONGEST_LOOK
    for path in glob.iglob(trigger.pattern, root_dir=folder, recursive=True):
        if len(found) >= _MOST or time.monotonic() > limit:
            whole = False
            break
        file = folder / path
        try:
            facts = file.stat()
        except OSError:
            continue
        if not file.is_file():
            continue
        mark = [facts.st_mtime_ns, facts.st_size]
        if seen is None or time.time() - facts.st_mtime >= STEADY:
            found[os.fspath(file)] = mark
        elif os.fspath(file) in seen:
            found[os.fspath(file)] = seen[os.fspath(file)]
    if seen is None:
        # What was there before the schedule is no news.
        return [], found
    causes = [
        Cause("file", f"file {_digest(path, mark)}", now, file=path)
        for path, mark in sorted(found.items())
        if list(seen.get(path, [])) != mark
    ]
    if not whole:
        # What was not reached this time is no news when it is the next.
        if known.id not in _told_of:
            _told_of.add(known.id)
            logger.warning(
                "%s: on_file: %s matches more than %d files, or looking takes longer than %g s; some may be missed.",
                *(known.label, trigger.pattern, _MOST, _LONGEST_LOOK),
            )
        found = {**seen, **found}
    return causes, found


def _runs(known: Known, trigger: After, now: float) -> tuple[list[Cause], Any]:
    folder = pipeline_named(trigger.pipeline, known.root, known.folder)
    if folder is None:
        return [], known.seen
    succeeded = [
        run
        for run in find_runs(known.root, pipeline=folder, states=("succeeded",), limit=_LAST)
        if run["kind"] == "run" and (run["ended_at"] or 0.0) > known.since
    ]
    causes = [Cause("after", f"after {run['run_id']}", now, upstream=run["run_id"]) for run in reversed(succeeded)]
    seen = known.seen.get("runs", []) if isinstance(known.seen, Mapping) else []
    new = [cause for cause in causes if cause.upstream not in seen]
    return new, {"runs": [run["run_id"] for run in succeeded]} if new or known.seen is None else known.seen


def pipeline_named(word: str, root: Path, folder: Path) -> Path | None:
    """The folder of the pipeline that ``after`` names: beside the schedule's own, below the project's, or a path."""
    beside = [folder.parent / word, root / "pipelines" / word, root / word]
    found = next((path for path in beside if (path / "pipeline.yaml").is_file()), None)
    return found.resolve() if found is not None else None


def working_folder(folder: Path) -> Path:
    """The folder that a pipeline's steps run in; its own where it names none or can't be read."""
    try:
        changed = (folder / "env.yaml").stat().st_mtime_ns
    except OSError:
        return folder
    return _working_folder(folder, changed)


@lru_cache(maxsize=1024)
def _working_folder(folder: Path, _changed: int) -> Path:
    from cellmill.run.folder import read_pipeline

    try:
        return read_pipeline(folder).workdir or folder
    except CellmillError:
        return folder


def _digest(path: str, mark: list[int]) -> str:
    return blake2b(f"{path}\0{mark}".encode(), digest_size=12).hexdigest()
