"""Ten steps of trivial cells in a chain, from the shell: whole processes, imports included."""

from __future__ import annotations

from collections.abc import Iterator

from measure import by_turns

from engine.line import Line, Options, at_most, faster
from engine.projects import chain, project


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    steps = 3 if options.small else 10
    slow = options.at_most(3)
    with project(chain(steps)) as made:
        own = "`cellmill run --force`"
        found = by_turns(
            {
                own: made.cellmill(),
                "`ploomber build --force`": made.ploomber(),
                "`papermill` on the whole notebook": made.papermill(),
                "the script": made.python(),
            },
            options.repeats,
        )
        loop = f"`papermill` in a loop over the tasks ({slow} times)"
        found |= by_turns({loop: made.papermill_loop()}, slow)
    case = f"{steps} trivial steps in a chain, from the shell"
    goals = {"`ploomber build --force`": faster(4), "`papermill` on the whole notebook": at_most(1)}
    for against in list(found)[1:]:
        yield Line(case, own, found[own], against, found[against], goals.get(against))
