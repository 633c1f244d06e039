"""What a scheduler costs while nothing is due."""

from __future__ import annotations

import time
from collections.abc import Iterator

from schedules.row import Options, Row
from schedules.served import served

# After the schedules have been read, and what is kept has imported what it needs.
_SETTLED = 20.0


def measured(options: Options) -> Iterator[Row]:
    """Rows of the table."""
    far = (int(time.strftime("%m", time.gmtime())) + 5) % 12 + 1
    schedules = [
        {"name": f"s{at}", "cron": f"{at % 60} {at // 60 % 24} 1 {far} *", "timezone": "UTC"}
        for at in range(options.schedules)
    ]
    with served(schedules) as project:
        time.sleep(_SETTLED)
        before, clock = project.processor_seconds(), time.monotonic()
        time.sleep(options.idle)
        taken, passed = project.processor_seconds() - before, time.monotonic() - clock
    case = f"{options.schedules:,} schedules, none due for {options.idle:g} s"
    yield Row(case, "processor time, of one core", 100 * taken / passed, "%", most=1.0)
