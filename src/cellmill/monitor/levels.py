"""How a pipeline stands against what it promises: success rate, error budget, burn rate, freshness.

The definitions are those of Google's Site Reliability Workbook, chapters "Implementing SLOs" and "Alerting on SLOs":
the error budget is the number of bad events that the promise allows, ``(1 - target) * events``; the burn rate is the
error rate over a window divided by the one that is allowed, so at 1 the budget is used up exactly at the window's end.

An event is a time of a schedule that ended: good if its run succeeded; bad if that failed, was lost, or did not take
place because no scheduler ran (missed, each time of a range counted). What was skipped or stopped was meant to be so,
and is no event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cellmill.monitor.slo import SloSettings

GOOD = ("succeeded",)
BAD = ("failed", "lost", "missed")

DAY = 86400.0
"""Seconds of the short window over which the burn rate is told as well."""


@dataclass(frozen=True)
class Events:
    """How many events were good and how many bad."""

    good: int = 0
    bad: int = 0

    @property
    def all(self) -> int:
        """Both together."""
        return self.good + self.bad

    @property
    def success_rate(self) -> float | None:
        """The share of the good ones; None if there was none at all."""
        return self.good / self.all if self.all else None

    def burn(self, target: float) -> float | None:
        """How many times faster than allowed the budget is used up; None without events."""
        return self.bad / self.all / (1 - target) if self.all else None

    def __add__(self, other: Events) -> Events:
        return Events(self.good + other.good, self.bad + other.bad)


@dataclass(frozen=True)
class Levels:
    """A pipeline's service levels at a moment.

    Attributes
    ----------
    window, day
        The events of the promise's window, and of the last 24 hours.
    last_good
        When the last good product was made, in seconds since the epoch; None if there is none.
    age
        Seconds since then; before the first good product, seconds since the first time that one was due; None if none
        was due yet.
    """

    settings: SloSettings
    window: Events
    day: Events
    last_good: float | None
    age: float | None

    @property
    def budget(self) -> float | None:
        """Bad events that the window's events allow."""
        target = self.settings.success_rate
        return None if target is None else (1 - target) * self.window.all

    @property
    def budget_left(self) -> float | None:
        """The share of the error budget that is left, at most 1; below 0 once more than all of it is used up."""
        burn = self.burn
        return None if self.settings.success_rate is None else 1 - (burn or 0.0)

    @property
    def burn(self) -> float | None:
        """The burn rate over the window."""
        target = self.settings.success_rate
        return None if target is None else self.window.burn(target)

    @property
    def burn_day(self) -> float | None:
        """The burn rate over the last 24 hours."""
        target = self.settings.success_rate
        return None if target is None else self.day.burn(target)

    @property
    def success_broken(self) -> bool:
        """Whether fewer runs succeeded than promised (a burn rate above 1 over the window)."""
        # One of a hundred at 99 % is what was promised, however binary fractions come out.
        return self.burn is not None and self.burn > 1 + 1e-9

    @property
    def freshness_broken(self) -> bool:
        """Whether the last good product is older than promised."""
        limit = self.settings.freshness
        return limit is not None and self.age is not None and self.age > limit

    @property
    def broken(self) -> bool:
        """Whether any of what is promised does not hold."""
        return self.success_broken or self.freshness_broken

    def as_dict(self) -> dict[str, Any]:
        """All figures, JSON-ready; times in seconds."""
        return {
            "success_rate": None if self.settings.success_rate is None else self.window.success_rate,
            "success_rate_target": self.settings.success_rate,
            "success_broken": self.success_broken,
            "window": self.settings.window,
            "good": self.window.good,
            "bad": self.window.bad,
            "budget": self.budget,
            "budget_left": self.budget_left,
            "burn": self.burn,
            "burn_24h": self.burn_day,
            "freshness": self.settings.freshness,
            "freshness_broken": self.freshness_broken,
            "last_good": self.last_good,
            "age": self.age,
            "broken": self.broken,
        }
