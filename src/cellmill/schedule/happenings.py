"""What schedulers tell those who listen: alerts, metrics, logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cellmill.schedule.declare import Known
from cellmill.schedule.ticks import Tick

Kind = Literal["put", "started", "retried", "ended", "refused", "reloaded"]


@dataclass(frozen=True)
class Happening:
    """Something that happened to a tick, or to a folder's declaration.

    Attributes
    ----------
    kind
        ``put``: a tick is in the store, to be run or not (its ``state``); ``started``; ``retried``: an attempt failed
        and another follows; ``ended``; ``refused``: a folder's schedules are wrong, and the former ones stay;
        ``reloaded``: they were read anew.
    at
        Seconds since the epoch.
    state, words
        How the tick ended, and why.
    failure
        Of a run that failed: its first failure as the run's record tells it (step, source cell, sentence, report).
    """

    kind: Kind
    known: Known | None = None
    tick: Tick | None = None
    at: float = 0.0
    state: str = ""
    words: str = ""
    failure: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """One line for a log."""
        who = self.known.label if self.known is not None else ""
        match self.kind:
            case "put" if self.state != "queued":
                number = f" ({self.tick.count} times)" if self.tick is not None and self.tick.count > 1 else ""
                what = f"{self.state}{number}"
            case "put":
                what = "due"
            case "started" if self.tick is not None and self.tick.attempt > 1:
                what = f"started, attempt {self.tick.attempt}"
            case "ended":
                what = self.state
            case "retried":
                what = f"{self.state}; it is tried again"
            case _:
                what = self.kind
        run = f" as run {self.tick.run_id}" if self.kind == "started" and self.tick is not None else ""
        words = f": {self.words}" if self.words else ""
        return f"{who}: {what}{run}{words}" if who else f"{what}{words}"
