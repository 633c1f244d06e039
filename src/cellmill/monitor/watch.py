"""Finds what is to be told: from what schedulers say at once, and from the store what nobody lived to say."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.monitor.figures import levels_of
from cellmill.monitor.incidents import HORIZON, Incidents, addressed
from cellmill.monitor.levels import Levels
from cellmill.monitor.promises import Promises
from cellmill.monitor.words import level_message, level_recovery, told_failure
from cellmill.schedule.declare import Known
from cellmill.schedule.happenings import Happening
from cellmill.schedule.planner import jitter
from cellmill.schedule.store import Store
from cellmill.schedule.ticks import Tick, ticks_of

logger = logging.getLogger("cellmill.scheduler.alerts")

# Seconds that the scheduler that saw a tick end has to tell it: it may have the run's record, another host has not.
_FIRST_HAND = 15.0
_MOST = 200


class Watch:
    """Turns what happens to the schedules of some projects into incidents.

    Parameters
    ----------
    known
        The schedules that are served, by id; may be replaced at any time.
    """

    def __init__(self, store: Store, roots: Sequence[Path], known: Mapping[str, Known]) -> None:
        self._store = store
        self._roots = roots
        self._incidents = Incidents(store)
        self._promises = Promises(roots)
        self._since: dict[str, float] = {}
        self._unset: set[str] = set()
        self.known = known

    def take(self, happening: Happening) -> None:
        """See to something that happened to a tick."""
        known, tick = happening.known, happening.tick
        if known is None or tick is None or not known.settings.alerts:
            return
        match happening.kind, happening.state:
            case "put", "missed":
                self._incidents.missed(known, tick)
            case "started", _:
                self._started(known, tick)
            case "ended", state:
                # As the store has it: with its end, and only if it is so.
                fresh = next(iter(self._ticks([tick.id])), None)
                if fresh is not None and fresh.state == state:
                    self._ended(known, fresh, happening)

    def look_at_queue(self, now: float) -> None:
        """Find runs that wait for longer than they may."""
        from sqlalchemy import select

        waiting = {one.id: one for one in self._watched() if one.settings.late is not None and one.active}
        if not waiting:
            return
        table = self._store.table["ticks"]
        query = select(table).where(
            table.c.state == "queued",
            table.c.attempt == 0,
            table.c.schedule_id.in_(list(waiting)),
            table.c.id.not_in(self._incidents.seen("late")),
        )
        with self._store.reading() as connection:
            found = [Tick.of(row) for row in connection.execute(query.order_by(table.c.due).limit(_MOST))]
        for tick in found:
            known = waiting[tick.schedule_id]
            if known.settings.late is not None and now - expected(known, tick) > known.settings.late:
                self._incidents.late(known, tick, now)

    def look_at_store(self, now: float) -> None:
        """Find what ended without being told: its scheduler died, or another one saw it end."""
        from sqlalchemy import or_, select

        watched = {one.id: one for one in self._watched()}
        self._since = self._incidents.watch(self.known.values(), now)
        self._warn_of_variables()
        if not watched:
            return
        table = self._store.table["ticks"]
        told = or_(
            (table.c.state == "missed") & table.c.id.not_in(self._incidents.seen("missed")),
            table.c.state.in_(("failed", "lost")) & table.c.id.not_in(self._incidents.seen("failure")),
        )
        query = select(table).where(
            table.c.state.in_(("failed", "lost", "missed")),
            table.c.ended > max(now - HORIZON, min(self._since.values())),
            table.c.ended < now - _FIRST_HAND,
            table.c.schedule_id.in_(list(watched)),
            self._incidents.watched_then(table),
            told,
        )
        with self._store.reading() as connection:
            found = [Tick.of(row) for row in connection.execute(query.order_by(table.c.ended).limit(_MOST))]
        for tick in found:
            self._ended(watched[tick.schedule_id], tick, None)
        for incident in self._incidents.open_ones(watched):
            good = next(iter(ticks_of(self._store, [incident.subject], 1, ["succeeded"])), None)
            if good is not None and (good.ended or 0.0) > incident.last and incident.kind != "late":
                self._ended(watched[incident.subject], good, None)

    def look_at_levels(self, now: float) -> None:
        """Find pipelines that do not keep what they promise, and those that keep it again."""
        opened = {(one.subject, one.kind): one for one in self._incidents.open_ones()}
        for root in self._roots:
            for folder, levels in self.levels(root, now).items():
                known = [one for one in self._watched() if one.folder == folder]
                self._level(root, folder, levels, known, opened, now)

    def levels(self, root: Path, now: float) -> dict[Path, Levels]:
        """The service levels of a project's pipelines."""
        promised, problems = self._promises.of(root)
        for problem in problems:
            logger.warning("%s", problem)
        return levels_of(self._store, root, promised, now)

    def forget(self, now: float) -> None:
        """Take away what is old."""
        self._incidents.forget(now)

    def _level(
        self,
        root: Path,
        folder: Path,
        levels: Levels,
        known: Sequence[Known],
        opened: Mapping[tuple[str, str], object],
        now: float,
    ) -> None:
        for kind, broken in (("freshness", levels.freshness_broken), ("success-rate", levels.success_broken)):
            is_open = (str(folder), kind) in opened
            if broken and not is_open and addressed(known, "check"):
                self._incidents.broken(root, folder, kind, level_message(folder, levels, kind), known, now)
            elif is_open and not broken:
                self._incidents.holds(root, folder, kind, level_recovery(folder, levels, kind), known, now)

    def _started(self, known: Known, tick: Tick) -> None:
        limit = known.settings.late
        if limit is None or tick.attempt > 1 or tick.started is None:
            return
        if tick.started - expected(known, tick) > limit:
            self._incidents.late(known, tick, tick.started)
        else:
            self._incidents.on_time(known, tick)

    def _ended(self, known: Known, tick: Tick, happening: Happening | None) -> None:
        try:
            told = told_failure(tick)
        except (OSError, ValueError, CellmillError):
            told = {}  # the record is another's to write; what the store says is told anyway
        if not told and happening is not None:
            told = dict(happening.failure)
        if tick.state in ("failed", "lost"):
            self._incidents.failed(known, tick, told)
        elif tick.state == "missed":
            self._incidents.missed(known, tick)
        elif tick.state == "succeeded":
            self._incidents.succeeded(known, tick, told)

    def _watched(self) -> list[Known]:
        return [one for one in self.known.values() if one.settings.alerts]

    def _ticks(self, ids: Sequence[int]) -> list[Tick]:
        from sqlalchemy import select

        table = self._store.table["ticks"]
        with self._store.reading() as connection:
            return [Tick.of(row) for row in connection.execute(select(table).where(table.c.id.in_(ids)))]

    def _warn_of_variables(self) -> None:
        wanted = {one.variable: known for known in self._watched() for one in known.settings.alerts}
        for variable, known in wanted.items():
            if not os.environ.get(variable, "").strip() and variable not in self._unset:
                self._unset.add(variable)
                logger.warning(
                    "$%s, which alerts of %s go to, is not set in this scheduler's environment; they wait for a "
                    "scheduler that has it.",
                    variable,
                    known.label,
                )


def expected(known: Known, tick: Tick) -> float:
    """When a tick was to start: when it was due, or later by its jitter."""
    return tick.due + (jitter(known.id, known.settings, tick.due) if tick.cause == "time" else 0.0)
