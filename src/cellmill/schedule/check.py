"""Checks schedules against the pipelines that they are for, before any of them is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.run.folder import accepted_parameters, read_pipeline
from cellmill.run.settings import FILE_NAME, ParameterSettings, read_settings
from cellmill.schedule.causes import pipeline_named
from cellmill.schedule.orders import values_of
from cellmill.schedule.reading import read_schedules
from cellmill.schedule.refusals import ScheduleRefused, understood
from cellmill.schedule.settings import Declared
from cellmill.schedule.snapshot import Code, code_of
from cellmill.schedule.templates import Moment
from cellmill.schedule.words import plain


def checked_schedules(root: Path, folder: Path, now: float) -> tuple[Declared, ...]:
    """The schedules that a folder declares, all of them right.

    Parameters
    ----------
    root
        The project's root.
    now
        Seconds since the epoch; templates are tried with it.

    Raises
    ------
    CellmillError
        As :func:`cellmill.schedule.reading.read_schedules`; and if a pipeline has no such parameter or profile, can't
        be run, was never verified, or is to run after one that there is not.
    """
    declared = read_schedules(folder)
    # `schedul:` is no schedule either, and what else is wrong with the file is no schedule's fault.
    read_settings(folder)
    return check_declared(root, folder, declared, now)


def check_declared(root: Path, folder: Path, declared: tuple[Declared, ...], now: float) -> tuple[Declared, ...]:
    """Check schedules that were read, or are about to be written, against the folder that they are for.

    Raises
    ------
    CellmillError
        As :func:`checked_schedules`.
    """
    seen: dict[tuple[str | None, str, str | None], tuple[Code, Mapping[str, ParameterSettings]]] = {}
    tried: set[tuple[str | None, ...]] = set()
    for one in declared:
        settings = one.settings
        where = f"schedule.{one.name}"
        try:
            key = (settings.notebook, settings.snapshot, settings.env)
            if key not in seen:
                code = code_of(folder, settings)
                read_pipeline(code.home, profile=settings.env, code=code.folder)
                seen[key] = code, accepted_parameters(code.folder)
            code, accepted = seen[key]
            for moment in _samples(one, now):
                values = values_of(settings, code.folder, moment, accepted)
            # Of many schedules that differ in values only one is tried out: each reads the folder.
            if values and (*key, *values) not in tried:
                read_pipeline(code.home, parameters=values, profile=settings.env, code=code.folder)
                tried.add((*key, *values))
            if settings.after is not None:
                _check_after(settings.after, root, folder)
        except CellmillError as error:
            file = folder / FILE_NAME
            own = error.notebook is None or Path(error.notebook) in (file, folder)
            words, remedy = (error.message, error.remedy) if own else (str(error).rstrip("."), None)
            words = words if words.startswith(f"{where}.") else f"{where}: {words}"
            refused = ScheduleRefused(plain(words), notebook=file, remedy=remedy)
            refused.understood = understood(
                {"cron": settings.cron, "every": settings.every, "timezone": settings.timezone}
            )
            raise refused from None
    return declared


def check_order(root: Path, declared: Iterable[Declared]) -> None:
    """Refuse pipelines that wait for each other in a circle: each would start the next for ever.

    Raises
    ------
    ScheduleRefused
        Names the circle.
    """
    follows: dict[Path, dict[Path, Declared]] = {}
    for one in declared:
        if one.settings.after is not None and one.settings.enabled:
            target = pipeline_named(one.settings.after, root, one.folder)
            if target is not None:
                follows.setdefault(one.folder, {})[target] = one
    done: set[Path] = set()
    for start in follows:
        _walk(start, follows, [], done)


def _walk(folder: Path, follows: Mapping[Path, Mapping[Path, Declared]], way: list[Path], done: set[Path]) -> None:
    if folder in way:
        circle = [*way[way.index(folder) :], folder]
        one = follows[way[-1]][folder]
        raise ScheduleRefused(
            f"schedule.{one.name}: these pipelines would run after each other for ever: "
            + " after ".join(path.name for path in circle),
            notebook=one.file,
            remedy="take away one `after`",
        )
    if folder in done:
        return
    for target in follows.get(folder, {}):
        _walk(target, follows, [*way, folder], done)
    done.add(folder)


def _check_after(word: str, root: Path, folder: Path) -> None:
    found = pipeline_named(word, root, folder)
    if found is None:
        near = {path.parent.name for path in (root / "pipelines").glob("*/pipeline.yaml")} - {folder.name}
        close = get_close_matches(word, near, n=1)
        remedy = f"did you mean {close[0]}?" if close else None
        raise CellmillError(f"after: there is no pipeline {word}", remedy=remedy)
    if found == folder.resolve():
        raise CellmillError("after: the pipeline would run after itself for ever")


def _samples(one: Declared, now: float) -> list[Moment]:
    """The first run of a schedule, before any success, and a later one."""
    due = datetime.fromtimestamp(now, one.settings.zone)
    first = Moment(due, "20260131-030000-0000000", one.name, one.folder.name)
    first = replace(first, file="a.csv") if one.settings.on_file is not None else first
    return [first, replace(first, last_success=due)]
