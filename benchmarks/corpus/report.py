"""The table of all results: RESULTS.md for people, results.csv for programs."""

from __future__ import annotations

import csv
import json
import os
import platform
import statistics
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

STATES = ("equal", "refused", "different", "crashed")
SAID = {"equal": "proven equal", "not usable": "not usable"}
VERSIONS = "cellmill ploomber papermill jupytext nbval ipykernel numpy pandas matplotlib".split()


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All result files, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def write_report(results: list[dict[str, Any]], folder: Path) -> str:
    """Write both files and return the line that tells the counts."""
    count = Counter(one["state"] for one in results)
    tried = sum(count[state] for state in STATES)
    line = ", ".join(f"{SAID.get(state, state)} {count[state]}" for state in STATES)
    share = f" ({count['equal'] / tried:.0%} proven equal)" if tried else ""
    told = f"{tried} notebooks: {line}{share}; {count['not usable']} more not usable."
    (folder / "RESULTS.md").write_text(_page(results, told), encoding="utf-8")
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("name", "package", "state", "steps_from", "steps", "cells", "seconds", "rules", "why"))
        writer.writerows(_row(one) for one in results)
    return told


def _row(one: dict[str, Any]) -> list[Any]:
    seconds = f"{one['notebook_seconds']:.1f}" if one["notebook_seconds"] else ""
    # Findings and reasons may hold their authors' code: the table has the rules only.
    why = one["reasons"][0].split(":")[0] if one["state"] == "not usable" else ""
    columns = ("name", "package", "state", "steps_from", "steps", "cells")
    return [*(one[key] for key in columns), seconds, "; ".join(one["rules"]), why]


def _page(results: list[dict[str, Any]], told: str) -> str:
    packages = sorted({one["package"] for one in results})
    versions = ", ".join([*packages, *(f"{name} {version(name)}" for name in VERSIONS)])
    parts = [
        "# Notebooks that others wrote\n",
        f"**{told}**\n",
        f"Made on {datetime.now(UTC):%Y-%m-%d} by `python benchmarks/corpus` on {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}; {versions}.\n",
        _times(results),
        _table("Refused, by rule", Counter(rule for one in results for rule in one["rules"])),
        _table("Not usable", Counter(_row(one)[-1] for one in results if one["state"] == "not usable")),
        "## Each notebook\n",
        "| notebook | state | steps from | steps | cells | vary | notebook s | promotion s | verification s | rules |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(one) for one in results if one["state"] in STATES),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _times(results: list[dict[str, Any]]) -> str:
    equal = [one for one in results if one["state"] == "equal"]
    if not equal:
        return ""
    middle = [statistics.median(one[f"{key}_seconds"] for one in equal) for key in ("notebook", "promote", "verify")]
    return "Median seconds: the notebook {:.1f}, its promotion {:.2f}, its verification {:.1f}.\n".format(*middle)


def _table(title: str, counts: Counter[str]) -> str:
    if not counts:
        return ""
    rows = "\n".join(f"| {name} | {number} |" for name, number in counts.most_common())
    return f"## {title}\n\n| what | notebooks |\n| --- | --- |\n{rows}\n"


def _line(one: dict[str, Any]) -> str:
    seconds = (
        f"{one[key + '_seconds']:.1f}" if one[key + "_seconds"] else "" for key in ("notebook", "promote", "verify")
    )
    cells = (
        one["name"],
        one["state"],
        one["steps_from"],
        one["steps"] or "",
        one["cells"] or "",
        len(one["volatile"]) or "",
        *seconds,
    )
    return f"| {' | '.join(str(cell) for cell in cells)} | {'; '.join(one['rules'])} |"
