"""A row of the table: a figure with its unit, beside what, and whether the goal is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

HEAD = ("case", "what", "figure", "compared with", "figure", "ratio", "goal", "reached")


@dataclass(frozen=True)
class Options:
    """How often, how many, and where the peer is installed."""

    schedules: int
    spread: float
    idle: float
    repeats: int
    peer: str | None


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes
    ----------
    unit
        As in ``s`` or ``%``.
    most
        What it may be at most, in its unit; None where a figure is only told.
    times
        How many times as long the other has to take, if that is the goal.
    """

    case: str
    what: str
    own: float
    unit: str = "s"
    against: str = ""
    other: float | None = None
    most: float | None = None
    times: float | None = None

    def as_cells(self) -> list[str]:
        """As cells of the table."""
        cells = [self.case, self.what, self._written(self.own), self.against]
        if self.other is None:
            cells += ["", ""]
        else:
            cells += [self._written(self.other), f"{self.other / max(self.own, 1e-9):.1f} times less"]
        if self.most is not None:
            return [*cells, f"< {self.most:g} {self.unit}", "yes" if self.own < self.most else "no"]
        if self.times is not None and self.other is not None:
            reached = self.other >= self.times * self.own
            return [*cells, f">= {self.times:g} times less", "yes" if reached else "no"]
        return [*cells, "", ""]

    def _written(self, figure: float) -> str:
        return f"{figure:.2f} {self.unit}"


def share(figures: Sequence[float], part: float) -> float:
    """The figure that this part of all does not exceed; 0.5 is the median."""
    ordered = sorted(figures)
    return ordered[max(0, ceil(part * len(ordered)) - 1)]
