"""Random programs, split into steps at random, give as a pipeline what they give whole, or are refused.

`CELLMILL_PROGRAMS=5000` runs as many; without it the suite takes a sample.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from random_programs import Writer
from simulated_pipeline import Program, Simulation

PROGRAMS = int(os.environ.get("CELLMILL_PROGRAMS", "300"))


@cache
def below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    libraries = draw(below(12)) == 11
    return Writer(lambda count: draw(below(count)), libraries=libraries).program()


@pytest.fixture(scope="module")
def seen() -> Iterator[Counter[str]]:
    """How the programs came out: a sample of which most were refused would show nothing."""
    outcomes: Counter[str] = Counter()
    yield outcomes
    assert outcomes["equal"] > 0.9 * PROGRAMS, outcomes


@settings(
    max_examples=PROGRAMS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(program=programs())
def test_the_pipeline_prints_what_the_program_prints(
    simulation: Simulation, seen: Counter[str], program: Program
) -> None:
    outcome = simulation.compare(program)
    assume(outcome.state != "fails")
    event(outcome.state)
    seen[outcome.state] += 1
    assert outcome.state in ("equal", "refused"), outcome.why
