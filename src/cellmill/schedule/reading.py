"""Reads what a folder's cellmill.yaml says under ``schedule:``; it is checked whole before any of it counts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cellmill.run.settings import FILE_NAME, read_yaml
from cellmill.schedule.refusals import ScheduleRefused, complaint, understood
from cellmill.schedule.settings import NAME, Declared, ScheduleSettings
from cellmill.schedule.words import short

MOST = 1000
"""Schedules that one file may hold: more are made by a program, and belong into one with a parameter."""

_MOST_VALUES = 100_000


def read_schedules(folder: Path) -> tuple[Declared, ...]:
    """Read the schedules of one folder; none where there is no cellmill.yaml, or no ``schedule:`` in it.

    Raises
    ------
    ScheduleRefused
        If one of them is wrong; names the file, the key and the reason.
    CellmillError
        If the file can't be read.
    """
    folder = folder.resolve()
    path = folder / FILE_NAME
    if not path.exists():
        return ()
    content = read_yaml(path).get("schedule")
    return tuple(Declared(folder, settings) for settings in parse_schedules(content, path))


def parse_schedules(content: Any, path: Path) -> tuple[ScheduleSettings, ...]:
    """Check what stands under ``schedule:``.

    Raises
    ------
    ScheduleRefused
        As :func:`read_schedules`.
    """
    if content is None:
        return ()
    if not isinstance(content, list):
        raise ScheduleRefused("schedule: is a list (`- name: nightly` lines)", notebook=path)
    if len(content) > MOST:
        raise ScheduleRefused(
            f"schedule: holds {len(content)} schedules, at most {MOST} are taken",
            notebook=path,
            remedy="use one schedule with a parameter, or more folders",
        )
    if not _fits(content):
        # An alias of an alias of an alias is short to write.
        raise ScheduleRefused(f"schedule: holds more than {_MOST_VALUES} values", notebook=path)
    found = [_parsed(entry, place, path) for place, entry in enumerate(content)]
    seen: set[str] = set()
    for settings in found:
        if settings.name in seen:
            raise ScheduleRefused(
                f"two schedules are named {settings.name}", notebook=path, remedy="give one of them another name"
            )
        seen.add(settings.name)
    return tuple(found)


def _parsed(entry: Any, place: int, path: Path) -> ScheduleSettings:
    named = entry.get("name") if isinstance(entry, Mapping) else None
    where = f"schedule.{named if isinstance(named, str) and NAME.fullmatch(named) else place}"
    if not isinstance(entry, Mapping):
        raise ScheduleRefused(f"{where}: is a mapping (`name: nightly` lines), not {short(entry)}", notebook=path)
    try:
        return ScheduleSettings.model_validate(entry)
    except ValidationError as error:
        refused = complaint(where, path, error)
    except RecursionError:
        refused = ScheduleRefused(f"{where}: is nested too deeply", notebook=path)
    refused.understood = understood(entry)
    raise refused


def _fits(content: Any) -> bool:
    """Whether it holds no more values than anybody writes."""
    left, waiting = _MOST_VALUES, [content]
    while waiting and left:
        value, left = waiting.pop(), left - 1
        if isinstance(value, list | dict):
            waiting.extend(islice(value.values() if isinstance(value, dict) else value, left))
    return bool(left)
