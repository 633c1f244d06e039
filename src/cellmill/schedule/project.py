"""The schedules of a project, for whoever lists or changes them: declared, stored, with what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.schedule.check import check_order, checked_schedules
from cellmill.schedule.declare import Changes, Known, declare, known_schedules
from cellmill.schedule.due import Cause, put_causes
from cellmill.schedule.planner import next_due
from cellmill.schedule.reading import read_schedules
from cellmill.schedule.reload import declaring_folders
from cellmill.schedule.settings import Declared
from cellmill.schedule.store import Store
from cellmill.schedule.ticks import Tick, ticks_of


@dataclass(frozen=True)
class Found:
    """What the folders of a project declare: what is right, and what is wrong."""

    declared: tuple[Declared, ...]
    folders: tuple[Path, ...]
    problems: tuple[CellmillError, ...]


def look_at(root: Path, folders: Sequence[Path] | None, now: float) -> Found:
    """Read and check the schedules of a project, of all its folders or of some."""
    chosen = tuple(folders) if folders is not None else tuple(declaring_folders(root))
    declared: list[Declared] = []
    problems: list[CellmillError] = []
    for folder in chosen:
        try:
            declared += checked_schedules(root, folder, now)
        except CellmillError as error:
            problems.append(error)
    if not problems and any(one.settings.after is not None for one in declared):
        others = [] if folders is None else _others(root, chosen)
        try:
            check_order(root, [*declared, *others])
        except CellmillError as error:
            problems.append(error)
    return Found(tuple(declared), chosen, tuple(problems))


def _others(root: Path, folders: Sequence[Path]) -> list[Declared]:
    """What is right in the project's other folders."""
    found: list[Declared] = []
    for folder in declaring_folders(root):
        if folder not in folders:
            with suppress(CellmillError):
                found += read_schedules(folder)
    return found


def apply(store: Store, root: Path, folders: Sequence[Path] | None, now: float) -> Changes:
    """Store what a project declares, whole or not at all.

    Raises
    ------
    CellmillError
        If something in it is wrong; nothing is stored then.
    """
    found = look_at(root, folders, now)
    if found.problems:
        raise found.problems[0]
    return declare(store, root, found.folders, found.declared, now)


def named(store: Store, root: Path, word: str) -> Known:
    """The stored schedule that a word means: ``PIPELINE/NAME``, or a name alone that only one schedule has.

    Raises
    ------
    CellmillError
        If there is none or more than one.
    """
    from difflib import get_close_matches

    known = known_schedules(store, [root])
    found = [one for one in known if word in (one.label, one.name, one.id)]
    if len(found) == 1:
        return found[0]
    labels = [one.label for one in known]
    if found:
        raise CellmillError(
            f"{len(found)} schedules are named {word}", remedy=f"say which: {', '.join(one.label for one in found)}"
        )
    close = get_close_matches(word, [*labels, *(one.name for one in known)], n=1)
    if close:
        remedy = f"did you mean {close[0]}?"
    elif labels:
        remedy = f"there are {', '.join(labels[:20])}"
    else:
        remedy = "none is stored; type `cellmill schedule apply`"
    raise CellmillError(f"there is no schedule {word}", remedy=remedy)


def run_now(store: Store, known: Known, now: float) -> Tick:
    """Put a run of a schedule into the store, for whichever scheduler comes first.

    Raises
    ------
    CellmillError
        If one that was asked for by hand still waits.
    """
    new = put_causes(store, known, [Cause("hand", f"hand {now:.6f}", now)], now)
    return new[0]


def history(store: Store, known: Sequence[Known], limit: int = 50) -> list[Tick]:
    """The last ticks of some schedules, the latest due first."""
    return ticks_of(store, [one.id for one in known], limit)


def told(store: Store, known: Known, now: float, number: int = 20) -> dict[str, Any]:
    """A schedule with its last ticks, JSON-ready; times are seconds since the epoch."""
    ticks = history(store, [known], number)
    upcoming = next_due(known.settings, now) if known.active else None
    return {
        "id": known.id,
        "label": known.label,
        "pipeline": known.folder.name,
        "folder": str(known.folder),
        "name": known.name,
        "words": known.settings.words(),
        "zone": known.settings.zone.key,
        "enabled": known.settings.enabled,
        "paused": known.paused,
        "next": upcoming,
        "ticks": [as_dict(tick) for tick in ticks],
        "settings": known.settings.model_dump(mode="json", exclude_unset=True),
    }


def as_dict(tick: Tick) -> dict[str, Any]:
    """A tick, JSON-ready."""
    names = ("id", "cause", "due", "until", "count", "state", "reason", "attempt", "run_id", "snapshot", "file")
    return {
        **{name: getattr(tick, name) for name in names},
        "started": tick.started,
        "ended": tick.ended,
        "runs": list(tick.runs),
    }
