"""Time zones by their names."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

from cellmill.schedule.words import short


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    # Not what else lies in the system's folder: `localtime` is another one on each machine.
    if name in _zones():
        return ZoneInfo(name)
    close = get_close_matches(name, _zones(), n=1)
    guess = f"; did you mean {close[0]}?" if close else "; it is written as in Europe/Berlin"
    raise ValueError(f"there is no time zone {short(name)}{guess}")


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones()) - {"localtime", "Factory"}


def local_zone() -> ZoneInfo:
    """The machine's own time zone; UTC where it does not say."""
    from tzlocal import get_localzone_name

    try:
        return ZoneInfo(get_localzone_name() or "UTC")
    except (OSError, ValueError, LookupError):
        return ZoneInfo("UTC")
