"""Changes of clocks: when a zone's clock is put forward or back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# Two changes of one zone are never that close: where clocks go back for Ramadan it is a month.
_STEP = timedelta(days=7)


def clock_changes(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments later than ``begin`` and not later than ``end`` from which a zone's clock shows another offset.

    Yields
    ------
    datetime
        To the second, in UTC.

    Examples
    --------
    >>> begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    >>> [f"{at:%m-%d %H:%M}" for at in clock_changes(begin, end, ZoneInfo("Europe/Berlin"))]
    ['03-29 01:00', '10-25 01:00']
    """
    at, end = begin.astimezone(UTC), end.astimezone(UTC)
    offset = at.astimezone(zone).utcoffset()
    while at < end:
        until = min(at + _STEP, end)
        shown = until.astimezone(zone).utcoffset()
        if shown != offset:
            change = _change(at, until, zone)
            yield change
            offset = shown
        at = until


def changes_of_clocks(zones: Iterable[ZoneInfo], begin: datetime, length: timedelta) -> list[tuple[ZoneInfo, datetime]]:
    """The changes of some zones' clocks within a span, in order, each on its own clock."""
    found = [
        (zone, change.astimezone(zone))
        for zone in dict.fromkeys(zones)
        for change in clock_changes(begin, begin + length, zone)
    ]
    return sorted(found, key=lambda one: one[1])


def _change(begin: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    low, high = int(begin.timestamp()), int(end.timestamp())
    last = datetime.fromtimestamp(high, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == last:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)
