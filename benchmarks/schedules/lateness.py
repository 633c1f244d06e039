"""How late runs are claimed and started: many schedules on one scheduler, each due once within a span."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from schedules.row import Options, Row, share
from schedules.served import served

# Until the first is due: the schedules are read and checked meanwhile.
_AHEAD = 60.0


def measured(options: Options) -> Iterator[Row]:
    """Rows of the table."""
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=_AHEAD)
    due = [begin + timedelta(seconds=int(at * options.spread / options.schedules)) for at in range(options.schedules)]
    schedules = [
        {"name": f"s{at}", "cron": f"{when:%-S %-M %-H %-d %-m} *", "timezone": "UTC"} for at, when in enumerate(due)
    ]
    with served(schedules) as project:
        if datetime.now(UTC) > begin:
            raise RuntimeError(f"reading {len(schedules)} schedules took longer than {_AHEAD:g} s")
        before, clock = project.processor_seconds(), time.monotonic()
        ticks = project.wait_for(len(schedules), _AHEAD + options.spread + 600)
        taken = project.processor_seconds() - before
        passed = time.monotonic() - clock
    case = f"{options.schedules:,} schedules on one scheduler, due within {options.spread:g} s"
    yield from _late(case, "from due to claimed", [tick.claimed - tick.due for tick in ticks], most=1.0)
    yield from _late(case, "from due to started", [tick.started - tick.due for tick in ticks])
    # Where these are long the machine was busy, and runs waited for it rather than for the scheduler.
    yield from _late(case, "from started to ended", [tick.ended - tick.started for tick in ticks])
    yield Row(case, "processor time of the scheduler and what it keeps, of one core", 100 * taken / passed, "%")


def _late(case: str, what: str, figures: list[float], most: float | None = None) -> Iterator[Row]:
    yield Row(case, f"{what}, median", share(figures, 0.5))
    yield Row(case, f"{what}, 99 of 100", share(figures, 0.99), most=most)
    yield Row(case, f"{what}, longest", max(figures))
