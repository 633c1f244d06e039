"""A sweep of 24 combinations over five steps of which the last one varies, against 24 times `ploomber build`.

`ploomber build` gets each value by `--env--alpha`; what does not depend on it is up to date from the second time on.
cellmill records in MLflow, Ploomber does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from measure import by_turns, command, seconds

from engine.line import Line, Options, faster
from engine.projects import CELLMILL, PLOOMBER, chain, project

STEPS = 5


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    count = 3 if options.small else 24
    values = [str(place / 2) for place in range(1, count + 1)]
    with project(_cells()) as made:
        words = ["-p", f"alpha={','.join(values)}", "--metric", "loss", "--minimize"]
        sweep = command(CELLMILL, "sweep", str(made.pipeline), *words)
        builds = [command(PLOOMBER, "build", "--env--alpha", value) for value in values]

        def build_all() -> None:
            for build in builds:
                build()

        def cleared() -> None:
            shutil.rmtree(made.pipeline / "output", ignore_errors=True)

        repeats = options.at_most(3)
        taken = by_turns({"sweep": sweep}, repeats, cleared)["sweep"]
        again = by_turns({"again": sweep}, repeats)["again"]
        cleared()
        # Bytecode is written before anything counts.
        builds[0]()
        cleared()
        peer = seconds(build_all)
    case = f"sweep of {count} over {STEPS} steps, the last of which varies"
    against = f"{count} times `ploomber build` (once)"
    yield Line(case, f"`cellmill sweep` ({repeats} times)", taken, against, peer, faster(10))
    yield Line(case, "the same command again: all is up to date", again)


def _cells() -> list[tuple[str, str]]:
    last = (f"step:s{STEPS - 1}", f"loss = (x{STEPS - 2} - alpha) ** 2\n%metric loss loss")
    return [("parameters", "alpha = 1.0"), *chain(STEPS - 1), last]
