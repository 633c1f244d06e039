"""Readiness beside dataflow: what works at the author's desk, and not on the machine that runs the pipeline.

One concern a file: ``paths``, ``credentials``, ``keyboard``, ``packages``, ``randomness``, ``network``,
``shared_values``, ``saved`` (what the last run left in the file); ``facts`` is what they look at, ``ignores`` what
silences a finding.
"""

from __future__ import annotations

from cellmill.findings import Finding
from cellmill.notebook.steps import Steps

__all__ = ["check_steps"]


def check_steps(steps: Steps) -> list[Finding]:
    """All findings of these rules, in no order."""
    from cellmill.readiness import credentials, keyboard, network, packages, paths, randomness, saved, shared_values
    from cellmill.readiness.facts import read_promoted

    promoted = read_promoted(steps)
    rules = (paths, credentials, keyboard, packages, randomness, network, saved, shared_values)
    return [finding for rule in rules for finding in rule.findings(promoted)]
