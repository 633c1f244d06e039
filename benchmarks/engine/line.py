"""A line of the table: what took how long, beside what, and whether the goal is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

HEAD = ("case", "what", "seconds (median)", "compared with", "seconds", "ratio", "goal", "reached")


@dataclass(frozen=True)
class Options:
    """How often, and whether in the sizes that the goals are for."""

    repeats: int
    small: bool

    def at_most(self, repeats: int) -> int:
        """Repeats of a case that takes long."""
        return min(self.repeats, repeats)


@dataclass(frozen=True)
class Goal:
    """What a line is to reach: a sentence's piece, and the judgement on its own and the other's seconds."""

    words: str
    is_reached: Callable[[float, float], bool]


def faster(times: float) -> Goal:
    """The other takes so many times as long, or more."""
    return Goal(f">= {times:g} times faster", lambda own, other: other >= times * own)


def at_most(times: float) -> Goal:
    """It takes at most so many times as long as the other."""
    return Goal(f"<= {times:g} times", lambda own, other: own <= times * other)


def seconds_at_most(seconds: float) -> Goal:
    """It takes at most so many seconds."""
    return Goal(f"<= {seconds:g} s", lambda own, _: own <= seconds)


@dataclass(frozen=True)
class Line:
    """One comparison.

    Attributes
    ----------
    case, what
        What was measured; `what` says of how many calls the median is, where it is not that of the head.
    own, other
        Seconds; `other` is None where nothing is compared.
    against
        What it is compared with.
    goal
        None where a figure is only told.
    """

    case: str
    what: str
    own: float
    against: str = ""
    other: float | None = None
    goal: Goal | None = None

    def as_cells(self) -> list[str]:
        """As cells of the table."""
        return [self.case, self.what, f"{self.own:.2f}", self.against, *self._comparison(), *self._judgement()]

    def _comparison(self) -> list[str]:
        if self.other is None:
            return ["", ""]
        if self.own <= 0:
            return [f"{self.other:.2f}", ""]
        if self.goal is not None and self.goal.words.startswith("<="):
            return [f"{self.other:.2f}", f"{self.own / max(self.other, 1e-9):.2f} times"]
        if self.own > self.other:
            return [f"{self.other:.2f}", f"{self.own / max(self.other, 1e-9):.1f} times as long"]
        return [f"{self.other:.2f}", f"{self.other / max(self.own, 1e-9):.1f} times faster"]

    def _judgement(self) -> list[str]:
        if self.goal is None:
            return ["", ""]
        if self.own <= 0:
            return [self.goal.words, "unknown: less than what single runs differ by"]
        return [self.goal.words, "yes" if self.goal.is_reached(self.own, self.other or 0.0) else "no"]
