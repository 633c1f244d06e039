"""When a schedule is due: by cron as Debian's cron and cronsim mean it, at an interval, by a file, or after a run.

APScheduler's own cron trigger numbers weekdays differently from cron, joins the two day fields with AND, and fires
twice when clocks go back; so the times here come from cronsim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo

from cellmill.schedule.durations import written

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
# Where intervals are counted from: midnight of a Saturday, in the schedule's own zone.
_ORIGIN = datetime(2000, 1, 1)  # noqa: DTZ001 - the zone comes with the schedule


class Timed(Protocol):
    """A trigger that knows its times beforehand."""

    @property
    def zone(self) -> ZoneInfo:
        """Whose clock it goes by."""

    def times(self, after: datetime) -> Iterator[datetime]:
        """All its times later than ``after``, in order, in its own zone."""

    def words(self) -> str:
        """Say it in plain language."""


@dataclass(frozen=True)
class Cron:
    """Fires by a cron expression of five fields (or six, with seconds first) on a zone's clock.

    Times that a change of clocks skips or repeats are handled as by Debian's cron: a job at a fixed time that does not
    exist runs right after the change, and one whose time comes twice runs once; a job with ``*`` in its minutes or
    hours follows the time that passes.

    Parameters
    ----------
    expression
        The expression, or one of ``@hourly``, ``@daily``, ``@weekly``, ``@monthly``, ``@yearly``.

    Raises
    ------
    ValueError
        If it is no such expression, or never comes true.
    """

    expression: str
    zone: ZoneInfo

    def __post_init__(self) -> None:
        from cronsim import CronSim, CronSimError

        try:
            first = next(CronSim(self._plain, datetime(2024, 1, 1, tzinfo=self.zone)), None)
        except CronSimError as error:
            raise ValueError(_reason(self.expression, str(error))) from None
        if first is None:
            raise ValueError(f"{self.expression} never comes true")

    @property
    def _plain(self) -> str:
        return _MACROS.get(self.expression.strip().lower(), self.expression)

    def times(self, after: datetime) -> Iterator[datetime]:
        """All its times later than ``after``."""
        from cronsim import CronSim

        # In local time cronsim's start has no fold: what it gives within a repeated hour may lie before.
        for moment in CronSim(self._plain, after.astimezone(self.zone)):
            if moment.timestamp() > after.timestamp():
                yield moment

    def words(self) -> str:
        """Say it in plain language, as in ``At 09:00 on Monday``."""
        from cronsim import CronSim

        return CronSim(self._plain, datetime(2024, 1, 1, tzinfo=self.zone)).explain()


@dataclass(frozen=True)
class Every:
    """Fires at an interval, counted from midnight of 2000-01-01 on the zone's clock: the same whenever it is asked.

    Parameters
    ----------
    seconds
        From 1 on.

    Raises
    ------
    ValueError
        If it is shorter.
    """

    seconds: float
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise ValueError("the shortest interval is 1s")

    @property
    def _origin(self) -> datetime:
        return _ORIGIN.replace(tzinfo=self.zone).astimezone(UTC)

    def times(self, after: datetime) -> Iterator[datetime]:
        """All its times later than ``after``."""
        number = (after.astimezone(UTC) - self._origin) // timedelta(seconds=self.seconds) + 1
        while True:
            yield (self._origin + number * timedelta(seconds=self.seconds)).astimezone(self.zone)
            number += 1

    def words(self) -> str:
        """Say it in plain language."""
        return f"Every {written(self.seconds)}"


@dataclass(frozen=True)
class OnFile:
    """Fires when a file that matches a pattern is new or has changed, and has stopped growing.

    Parameters
    ----------
    pattern
        As of :func:`glob.glob` (``**`` goes into folders), below the folder that the steps run in.
    """

    pattern: str

    def words(self) -> str:
        """Say it in plain language."""
        return f"When {self.pattern} is new or has changed"


@dataclass(frozen=True)
class After:
    """Fires when a run of another pipeline has succeeded, whoever started it."""

    pipeline: str

    def words(self) -> str:
        """Say it in plain language."""
        return f"After each run of {self.pipeline} that succeeds"


Trigger = Cron | Every | OnFile | After


def next_times(trigger: Trigger, after: datetime, number: int) -> list[datetime]:
    """The next times of a trigger; none of one that waits for something."""
    return list(islice(trigger.times(after), number)) if isinstance(trigger, Cron | Every) else []


def _reason(expression: str, problem: str) -> str:
    if expression.strip().lower() == "@reboot":
        return "@reboot has no time; write a cron expression or `every`"
    fields = len(expression.split())
    if fields not in (5, 6):
        return f"a cron expression has five fields (minute hour day month weekday), {expression!r} has {fields}"
    return f"{problem.lower().replace('bad ', 'the field ')} of {expression!r} can't be read"
