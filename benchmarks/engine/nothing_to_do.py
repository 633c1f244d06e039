"""What it costs to find out that nothing is to do: a chain of steps that are up to date; whole processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from measure import by_turns, command

from engine.line import Line, Options, faster
from engine.projects import CELLMILL, PLOOMBER, chain, project

OWN, DRY = "`cellmill run`", "`cellmill run --dry-run`"
BUILD, STATUS = "`ploomber build`", "`ploomber status`"


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    steps = 5 if options.small else 50
    with project(chain(steps)) as made:
        command(CELLMILL, "run", str(made.pipeline))()
        works = {
            OWN: command(CELLMILL, "run", str(made.pipeline)),
            DRY: command(CELLMILL, "run", str(made.pipeline), "--dry-run"),
            BUILD: command(PLOOMBER, "build"),
            STATUS: command(PLOOMBER, "status"),
            "`python -c 'import ploomber'`": command(sys.executable, "-c", "import ploomber"),
            "`python -c pass`": command(sys.executable, "-c", "pass"),
        }
        found = by_turns(works, options.repeats)
    case = f"nothing to do, {steps} tasks"
    yield Line(case, OWN, found[OWN], BUILD, found[BUILD], faster(3))
    yield Line(case, OWN, found[OWN], STATUS, found[STATUS], faster(3))
    yield Line(case, DRY, found[DRY], STATUS, found[STATUS])
    for against in list(found)[4:]:
        yield Line(case, OWN, found[OWN], against, found[against])
