"""Checks what a sweep is to try, as it is typed and before it is started, with the sentences of the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellmill.errors import CellmillError
from cellmill.lab.bodies import SweepBody, SweepCheckBody, read_body
from cellmill.lab.pipelines import find_pipeline
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.run.folder import accepted_parameters
from cellmill.run.parameters import Accepted
from cellmill.run.sweep import parse_values
from cellmill.run.sweep.values import combine


@dataclass(frozen=True)
class Tries:
    """What was typed, read.

    Attributes
    ----------
    values
        By parameter, of those that could be read.
    problems
        By parameter a sentence, of the others.
    problem
        What is wrong with all of them together; empty if nothing is.
    combinations
        How many would run.
    """

    values: Mapping[str, tuple[Any, ...]]
    problems: Mapping[str, str]
    problem: str
    combinations: int

    @property
    def total(self) -> int:
        """How many combinations the values make."""
        return math.prod(len(found) for found in self.values.values())


def check_sweep(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST sweeps/check``."""
    said = read_body(SweepCheckBody, body)
    tries = read_tries(said.sweep, accepted_parameters(find_pipeline(root, said.pipeline)))
    return {
        "counts": {name: len(found) for name, found in tries.values.items()},
        "problems": dict(tries.problems),
        "problem": tries.problem or None,
        "total": tries.total,
        "combinations": tries.combinations,
    }


def read_tries(said: SweepBody, accepted: Accepted) -> Tries:
    """Read the values that were typed, parameter by parameter."""
    values: dict[str, tuple[Any, ...]] = {}
    problems = {}
    for name, text in said.values.items():
        try:
            values |= parse_values([f"{name}={text}"], accepted)
        except CellmillError as error:
            # Its remedy speaks of the command line.
            problems[name] = f"{error.message[:1].upper()}{error.message[1:]}."
    try:
        return Tries(values, problems, "", len(combine(values, draw=said.draw, seed=said.seed)))
    except CellmillError:
        total = math.prod(len(found) for found in values.values())
        return Tries(values, problems, f"{total:,} combinations are too many; draw some of them.", 0)


def sweep_words(said: SweepBody, accepted: Accepted) -> tuple[list[str], dict[str, Any]]:
    """The words for ``cellmill sweep``, and the values as a run's parameters: one, or a list of those to try.

    Raises
    ------
    Refused
        If they can't be swept.
    """
    if not said.values:
        raise Refused(400, "sweep.values: give a parameter the values to try, such as 0.1, 0.2.")
    if said.metric is not None and said.direction is None:
        raise Refused(400, f"sweep.direction: say whether the best {said.metric} is the lowest or the highest.")
    tries = read_tries(said, accepted)
    for wrong in (*tries.problems.values(), tries.problem):
        if wrong:
            raise Refused(400, wrong)
    words = [word for name, text in said.values.items() for word in ("-p", f"{name}={text}")]
    words += ["--random", str(said.draw), "--seed", str(said.seed)] if said.draw is not None else []
    words += ["--metric", said.metric, f"--{said.direction}"] if said.metric is not None else []
    values = {name: found[0] if len(found) == 1 else list(found) for name, found in tries.values.items()}
    return words, values
