"""Brings what the folders of a project declare into the store: what is new, what changed, what is gone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.schedule.settings import Declared, ScheduleSettings
from cellmill.schedule.store import ACTIVE, Store, loaded

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger = logging.getLogger("cellmill.scheduler")

_TIMING = ("cron", "every", "on_file", "after", "timezone")


@dataclass(frozen=True)
class Known:
    """A schedule as the store has it.

    Attributes
    ----------
    since
        Seconds since the epoch: what was due until then has been seen to.
    seen
        What of the files of ``on_file`` has been seen to, by path.
    """

    id: str
    root: Path
    folder: Path
    name: str
    settings: ScheduleSettings
    since: float
    paused: bool
    seen: Mapping[str, Any] | None = None

    @property
    def active(self) -> bool:
        """Whether its times count."""
        return self.settings.enabled and not self.paused

    @property
    def place(self) -> str:
        """What no two runs may write to at once: a pipeline's folder; of an ordinary notebook, its schedule's own."""
        return place_of(self.folder, self.settings)

    @classmethod
    def of(cls, row: Any) -> Known:
        """From a row of the store."""
        return cls(
            id=row.id,
            root=Path(row.root),
            folder=Path(row.folder),
            name=row.name,
            settings=ScheduleSettings.model_validate(loaded(row.spec, {})),
            since=row.since,
            paused=row.paused,
            seen=loaded(row.seen, None),
        )

    @property
    def label(self) -> str:
        """The pipeline's name and the schedule's, as people write it."""
        return f"{self.folder.name}/{self.name}"


def place_of(folder: Path, settings: ScheduleSettings) -> str:
    """As :attr:`Known.place`, of a schedule that is not stored."""
    return f"{folder}#{settings.name}" if settings.notebook is not None else str(folder)


@dataclass
class Changes:
    """What a declaration changed, by the schedules' labels."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.changed or self.removed)


def schedule_id(root: Path, folder: Path, name: str) -> str:
    """The id of a schedule: it stays when its times change."""
    inside = folder.relative_to(root) if folder.is_relative_to(root) else folder
    return blake2b(f"{root}\0{inside}\0{name}".encode(), digest_size=12).hexdigest()


def declare(store: Store, root: Path, folders: Sequence[Path], declared: Sequence[Declared], now: float) -> Changes:
    """Write the schedules of some folders, whole or not at all.

    A schedule that is new, or whose times changed, counts from now on. One that is gone is not due any more, and what
    waits of it is not run; its history stays.

    Parameters
    ----------
    root
        The project's root.
    folders
        Whose declarations these are: what the store has of them and ``declared`` has not is gone.
    now
        Seconds since the epoch.
    """
    from sqlalchemy import insert, select, update

    table = store.table["schedules"]
    changes = Changes()
    with store.locked() as connection:
        rows = connection.execute(
            select(table).where(table.c.root == str(root), table.c.folder.in_([str(one) for one in folders]))
        )
        before = {row.id: row for row in rows}
        for one in declared:
            own = schedule_id(root, one.folder, one.name)
            label = f"{one.folder.name}/{one.name}"
            spec = one.settings.model_dump(mode="json", exclude_unset=True)
            old = before.pop(own, None)
            if old is None:
                connection.execute(
                    insert(table).values(
                        id=own, root=str(root), folder=str(one.folder), name=one.name, spec=json.dumps(spec), since=now
                    )
                )
                changes.added.append(label)
                continue
            was = loaded(old.spec, {})
            if was == spec and not old.removed:
                changes.unchanged.append(label)
                continue
            values: dict[str, Any] = {"spec": json.dumps(spec), "removed": False}
            # What was off until now, or due at other times, must not be run for the past.
            if old.removed or _timing(was) != _timing(spec) or (not was.get("enabled", True) and one.settings.enabled):
                values.update(since=now, seen=None)
            connection.execute(update(table).where(table.c.id == own).values(**values))
            (changes.added if old.removed else changes.changed).append(label)
        for gone in before.values():
            if not gone.removed:
                _remove(connection, store, gone.id, now)
                changes.removed.append(f"{Path(gone.folder).name}/{gone.name}")
        if changes.any:
            store.tell_change(connection)
    return changes


def known_schedules(store: Store, roots: Sequence[Path] | None = None) -> list[Known]:
    """The schedules that there are, ordered by label; of some projects, or of all."""
    from sqlalchemy import select

    table = store.table["schedules"]
    query = select(table).where(table.c.removed.is_(False))
    if roots is not None:
        query = query.where(table.c.root.in_([str(root) for root in roots]))
    with store.reading() as connection:
        rows = connection.execute(query).all()
    return sorted(readable(rows), key=lambda one: (str(one.folder), one.name))


def known_schedule(store: Store, one: str) -> Known | None:
    """The schedule with this id, also one that was taken away; None if there is none that can be read."""
    from sqlalchemy import select

    table = store.table["schedules"]
    with store.reading() as connection:
        return next(readable(connection.execute(select(table).where(table.c.id == one))), None)


def readable(rows: Iterable[Any]) -> Iterator[Known]:
    """The schedules in rows of the store; one that another version wrote stops no other one."""
    for row in rows:
        try:
            yield Known.of(row)
        except ValueError:
            logger.exception("The schedule %s/%s in the store can't be read.", Path(row.folder).name, row.name)


def _remove(connection: Connection, store: Store, schedule: str, now: float) -> None:
    from sqlalchemy import update

    table, ticks = store.table["schedules"], store.table["ticks"]
    connection.execute(update(table).where(table.c.id == schedule).values(removed=True))
    connection.execute(
        update(ticks)
        .where(ticks.c.schedule_id == schedule, ticks.c.state == ACTIVE[0])
        .values(state="skipped", reason="the schedule was taken away", ended=now)
    )


def _timing(spec: Mapping[str, Any]) -> list[Any]:
    return [spec.get(name) for name in _TIMING]
