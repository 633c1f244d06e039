"""When a schedule is due: by cron as Debian's cron and cronsim mean it, at an interval, by a file, or after a run.

APScheduler's own cron trigger numbers weekdays differently from cron, joins the two day fields with AND, and fires
twice when clocks go back; so the times here come from cronsim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from cellmill.schedule.clocks import clock_changes
from cellmill.schedule.durations import written

if TYPE_CHECKING:
    from cronsim import CronSim

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LONGEST = 500
# Letters of one that a message repeats.
_SHOWN = 60
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
        from cronsim import CronSimError

        if len(self.expression) > _LONGEST:
            raise ValueError(f"a cron expression has at most {_LONGEST} letters")
        try:
            first = next(self._after(datetime(2024, 1, 1, tzinfo=self.zone)), None)
        except CronSimError as error:
            raise ValueError(_reason(self.expression, str(error))) from None
        if first is None:
            raise ValueError(f"{self.expression!r} never comes true")

    @property
    def plain(self) -> str:
        """The expression in fields, where it is a word such as ``@daily``."""
        return _MACROS.get(self.expression.strip().lower(), self.expression)

    @cached_property
    def _parsed(self) -> CronSim:
        return self._after(datetime(2024, 1, 1, tzinfo=self.zone))

    @property
    def in_an_hour(self) -> int:
        """Times within each hour that has any."""
        return len(self._parsed.minutes) * len(self._parsed.seconds)

    def has_hour(self, moment: datetime) -> bool:
        """Whether it has times in the hour of a moment on its own clock, changes of clocks aside."""
        cron = self._parsed
        return moment.hour in cron.hours and moment.month in cron.months and cron.match_day(moment.date())

    def times(self, after: datetime) -> Iterator[datetime]:
        """All its times later than ``after``, until the calendar ends."""
        # What cronsim handles as Debian's cron handles jobs at fixed times: without `*` in minutes and hours.
        fixed = self._parsed.fixup_tz is not None
        try:
            yield from self._of_fixed_times(after) if fixed else self._of_elapsing_time(after)
        except OverflowError:
            return

    def _of_fixed_times(self, after: datetime) -> Iterator[datetime]:
        last = after.timestamp()
        # In local time cronsim's start has no fold: what it gives within a repeated hour may lie before.
        for moment in self._after(after.astimezone(self.zone)):
            if moment.timestamp() > last:
                last = moment.timestamp()
                yield moment

    def _of_elapsing_time(self, after: datetime) -> Iterator[datetime]:
        """From one change of clocks to the next: cronsim goes by whole hours, and clocks are also changed by half."""
        begin = after
        while True:
            shown = timezone(after.astimezone(self.zone).utcoffset() or timedelta())
            change = None
            for moment in self._after(begin.astimezone(shown)):
                change = next(clock_changes(after, moment, self.zone), None)
                if change is not None:
                    break
                yield moment.astimezone(self.zone)
                after = moment
            if change is None:
                return
            # The moment of the change may itself be one of its times.
            after, begin = change, change - timedelta(seconds=1)

    def _after(self, moment: datetime) -> CronSim:
        from cronsim import CronSim

        return CronSim(self.plain, moment)

    def words(self) -> str:
        """Say it in plain language, as in ``At 09:00 on Monday``."""
        return self._parsed.explain()


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
        try:
            while True:
                yield (self._origin + number * timedelta(seconds=self.seconds)).astimezone(self.zone)
                number += 1
        except OverflowError:
            return  # the calendar ends

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
    fields = expression.split()
    told = repr(expression) if len(expression) <= _SHOWN else f"{expression[:_SHOWN]!r}..."
    if len(fields) not in (5, 6):
        return f"a cron expression has five fields (minute hour day month weekday), {told} has {len(fields)}"
    if "day" in problem and _is_read(" ".join([*fields[:-2], "*", fields[-1]])):
        return f"{told} never comes true"  # a day that none of the months has
    return f"{problem.lower().replace('bad ', 'the field ')} of {told} can't be read"


def _is_read(expression: str) -> bool:
    from cronsim import CronSim, CronSimError

    try:
        CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True
