"""Sweeps: a pipeline run with many combinations of parameters, which share what does not depend on them."""

from __future__ import annotations

from cellmill.run.sweep.promote_best import Promotion, promotion_of
from cellmill.run.sweep.result import CombinationResult, Goal, SweepResult, check_goal
from cellmill.run.sweep.runner import run_sweep
from cellmill.run.sweep.values import parse_values

__all__ = [
    "CombinationResult",
    "Goal",
    "Promotion",
    "SweepResult",
    "check_goal",
    "parse_values",
    "promotion_of",
    "run_sweep",
]
