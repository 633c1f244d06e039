"""The table of all results: RESULTS.md for people, results.csv for programs."""

from __future__ import annotations

import csv
import json
import os
import platform
import statistics
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STATES = ("equal", "refused", "different", "crashed")
SAID = {"equal": "proven equal", "not usable": "not usable"}
COLUMNS = ("name", "package", "state", "steps_from", "steps", "cells", "variables")


class Mixed(Exception):
    """Results that were made with several states of the code or of its dependencies."""


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All result files, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def write_report(results: list[dict[str, Any]], folder: Path, jobs: int) -> str:
    """Write both files and return the line that tells the counts.

    Raises
    ------
    Mixed
        If the results were not all made with one and the same.
    """
    made = Counter(one["made_with"] for one in results if one["state"] in STATES)
    if len(made) > 1:
        told = "; ".join(f"{count} with {name}" for name, count in made.most_common())
        raise Mixed(
            f"no table is written, as results were made with {len(made)} states of the code ({told}): "
            "start again without --only and --limit, or with another --cache"
        )
    count = Counter(one["state"] for one in results)
    tried = sum(count[state] for state in STATES)
    line = ", ".join(f"{SAID.get(state, state)} {count[state]}" for state in STATES)
    share = f" ({count['equal'] / tried:.0%} proven equal)" if tried else ""
    told = f"{tried} notebooks: {line}{share}; {count['not usable']} more not usable."
    (folder / "RESULTS.md").write_text(_page(results, told, "".join(made), jobs), encoding="utf-8")
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, "seconds", "rules", "why", "cellmill"))
        writer.writerows(_row(one) for one in results)
    return told


def _row(one: dict[str, Any]) -> list[Any]:
    seconds = f"{one['notebook_seconds']:.1f}" if one["notebook_seconds"] else ""
    cellmill = one["made_with"].partition(";")[0].removeprefix("cellmill ")
    return [*(one[key] for key in COLUMNS), seconds, "; ".join(one["rules"]), _why(one), cellmill]


def _why(one: dict[str, Any]) -> str:
    """Why an example can't be used; findings and reasons may hold their authors' code: the table has the rules only."""
    return str(one["reasons"][0]).split(":")[0] if one["state"] == "not usable" else ""


def _page(results: list[dict[str, Any]], told: str, made: str, jobs: int) -> str:
    packages = ", ".join(sorted({one["package"] for one in results}))
    parts = [
        "# Notebooks that others wrote\n",
        f"**{told}**\n",
        f"Made on {datetime.now(UTC):%Y-%m-%d} by `python benchmarks/corpus --jobs {jobs}` on {_machine(results)}, "
        f"{platform.system()} {platform.machine()}; {packages}; {made}.\n",
        _times(results),
        _table("Refused, by rule", Counter(rule for one in results for rule in one["rules"])),
        _table("Not usable", Counter(_why(one) for one in results if one["state"] == "not usable")),
        "## Each notebook\n",
        "| notebook | state | steps from | steps | cells | variables | vary | notebook, s | promotion, s "
        "| verification, s | rules |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(one) for one in results if one["state"] in STATES),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _machine(results: list[dict[str, Any]]) -> str:
    """The cores and how busy they were."""
    loads = [one["load"] for one in results if one["state"] in STATES]
    busy = f" (load average {statistics.median(loads):.1f}, at most {max(loads):.1f})" if loads else ""
    return f"{os.cpu_count()} cores{busy}"


def _times(results: list[dict[str, Any]]) -> str:
    equal = [one for one in results if one["state"] == "equal"]
    if not equal:
        return ""
    middle = [statistics.median(one[f"{key}_seconds"] for one in equal) for key in ("notebook", "promote", "verify")]
    return (
        "Median seconds: the notebook {:.1f}, its promotion {:.2f}, its verification (which runs the notebook and "
        "the pipeline) {:.1f}.\n".format(*middle)
    )


def _table(title: str, counts: Counter[str]) -> str:
    if not counts:
        return ""
    rows = "\n".join(f"| {name} | {number} |" for name, number in counts.most_common())
    return f"## {title}\n\n| what | notebooks |\n| --- | --- |\n{rows}\n"


def _line(one: dict[str, Any]) -> str:
    times = (
        f"{one[key + '_seconds']:.1f}" if one[key + "_seconds"] else "" for key in ("notebook", "promote", "verify")
    )
    counts = (one["steps"] or "", one["cells"] or "", one["variables"] or "", len(one["volatile"]) or "")
    cells = (one["name"], one["state"], one["steps_from"], *counts, *times)
    return f"| {' | '.join(str(cell) for cell in cells)} | {'; '.join(one['rules'])} |"
