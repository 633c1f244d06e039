"""Finds the folders of projects that declare schedules, and reads them again when they change."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.run.settings import FILE_NAME
from cellmill.schedule.check import check_order, checked_schedules
from cellmill.schedule.declare import declare, known_schedules
from cellmill.schedule.happenings import Happening
from cellmill.schedule.settings import Declared
from cellmill.schedule.store import Store

logger = logging.getLogger("cellmill.scheduler")

# Folders that hold no declarations of a project, or too much to look through.
_LEFT = {"node_modules", "output", "__pycache__", "site-packages", "dist", "build"}
_DEEPEST = 4
# Seconds between two searches for new folders; known ones are looked at each time.
_SEARCH = 10.0


def declaring_folders(root: Path) -> list[Path]:
    """The folders of a project in which there is a cellmill.yaml, down to four levels below the root."""
    found = []
    for at, folders, files in os.walk(root):
        deep = len(Path(at).relative_to(root).parts)
        folders[:] = sorted(
            name for name in folders if not name.startswith((".", "_")) and name not in _LEFT and deep < _DEEPEST
        )
        if FILE_NAME in files:
            found.append(Path(at))
    return found


class Reloader:
    """What some projects declare, followed as their files change.

    A folder whose file is wrong keeps the schedules that it had; that is told once for each change of the file.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [Path(root).resolve() for root in roots]
        self._folders: dict[Path, list[Path]] = {}
        self._seen: dict[Path, tuple[int, int] | None] = {}
        self._searched = -1e9

    def look(self, store: Store, now: float) -> Iterator[Happening]:
        """Bring what changed into the store."""
        import time

        search = time.monotonic() - self._searched >= _SEARCH
        for root in self._roots:
            if search:
                self._searched = time.monotonic()
                former = self._folders.get(root, [])
                self._folders[root] = list(dict.fromkeys([*declaring_folders(root), *former, *_stored(store, root)]))
            for folder in self._folders[root]:
                facts = _facts(folder)
                if folder not in self._seen or self._seen[folder] != facts:
                    yield from self._read(store, root, folder, now)
                    self._seen[folder] = facts

    def _read(self, store: Store, root: Path, folder: Path, now: float) -> Iterator[Happening]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            declared = checked_schedules(root, folder, now)
            if any(one.settings.after is not None for one in declared):
                stored = [one for one in known_schedules(store, [root]) if one.folder != folder]
                check_order(root, [*declared, *(Declared(one.folder, one.settings) for one in stored)])
            changes = declare(store, root, [folder], declared, now)
        except CellmillError as error:
            yield Happening("refused", at=now, words=str(error))
            return
        except SQLAlchemyError:
            raise
        except Exception as error:
            # Whatever one folder's files do, the other folders' schedules go on.
            logger.debug("Reading %s failed.", folder, exc_info=True)
            yield Happening("refused", at=now, words=f"{folder / FILE_NAME}: {type(error).__name__}: {error}")
            return
        told = {"new": changes.added, "changed": changes.changed, "gone": changes.removed}
        words = "; ".join(f"{what}: {', '.join(names)}" for what, names in told.items() if names)
        if words:
            yield Happening("reloaded", at=now, words=words)


def _stored(store: Store, root: Path) -> list[Path]:
    """The folders that the store has schedules of: one may have been taken away while nobody looked."""
    from sqlalchemy import select

    table = store.table["schedules"]
    with store.reading() as connection:
        query = select(table.c.folder).where(table.c.root == str(root), table.c.removed.is_(False)).distinct()
        return [Path(folder) for folder in connection.scalars(query)]


def _facts(folder: Path) -> tuple[int, int] | None:
    try:
        facts = (folder / FILE_NAME).stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size
