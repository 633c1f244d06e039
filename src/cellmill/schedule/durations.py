"""Lengths of time as people write them: ``30s``, ``15 min``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])[\s,]*", re.I | re.A
)
# A hundred years: more is a slip, and dates end somewhere.
_LONGEST = 100 * 366 * 86400.0


def seconds_of(value: Any) -> float:
    """Read a length of time, in seconds.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> seconds_of("1h30m")
    5400.0
    >>> seconds_of(90)
    90.0
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str):
        parts = _PART.findall(value)
        if not parts or _PART.sub("", value).strip():
            raise ValueError("a length of time is written as in 30s, 15m, 2h or 1d")
        seconds = sum(float(number) * _UNITS[unit[0].lower()] for number, unit in parts)
    else:
        raise ValueError("a length of time is written as in 30s, 15m, 2h or 1d")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError("a length of time is from 0 s to 100 years")
    return seconds


def written(seconds: float) -> str:
    """Write a length of time as :func:`seconds_of` reads it, in the largest units.

    Examples
    --------
    >>> written(5400)
    '1h30m'
    """
    if seconds != int(seconds) or seconds == 0:
        # In digits, which are read again: 1.5e6 is no length of time.
        return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
    left, parts = int(seconds), []
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)


Duration = Annotated[float, BeforeValidator(seconds_of), PlainSerializer(written)]
