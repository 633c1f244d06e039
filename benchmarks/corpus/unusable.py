"""Which examples are known to be unusable, and why: results.csv remembers it, so that they are not tried each time."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from sources import Example
from trial import Result


def known_unusable(table: Path, examples: Sequence[Example]) -> list[Result]:
    """Read from a table what can't be used, of the releases that the examples are from."""
    if not table.exists():
        return []
    releases = {one.name: one.package for one in examples}
    with table.open(newline="", encoding="utf-8") as file:
        return [
            Result(row["name"], row["package"], "not usable", reasons=[row["why"]])
            for row in csv.DictReader(file)
            if row["state"] == "not usable" and releases.get(row["name"]) == row["package"]
        ]
