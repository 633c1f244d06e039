"""The record of an observed run: written into the project, read back as evidence for what has not changed since.

A record holds moments: what was seen after some cells, with a hash of each cell's source. Moments count from the first
on, up to the first cell that is another by now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cellmill.dataflow import ordered_steps
from cellmill.dataflow.evidence import Change, Evidence, NameFact, PartFacts
from cellmill.files import write_bytes
from cellmill.notebook.cells import Notebook
from cellmill.notebook.project import project_root
from cellmill.notebook.steps import Steps, TaggedCell

FORMAT = 1
Part = tuple[str, tuple[TaggedCell, ...]]
PARAMETERS, SHARED = "<parameters>", "<shared>"


def record_path(notebook: Path) -> Path:
    """Where the record of a notebook is: below ``.cellmill/observed`` of its project, by the notebook's path there."""
    notebook = notebook.resolve()
    root = project_root(notebook.parent)
    folder = root / ".cellmill" / "observed"
    if notebook.is_relative_to(root):
        return folder / notebook.relative_to(root).with_suffix(".json")
    return folder / f"{notebook.stem}-{sha256(str(notebook))[:12]}.json"


def kernel_record_path(notebook: Path) -> Path:
    """Where the record is that the kernel of a notebook's author writes."""
    return record_path(notebook).with_suffix(".kernel.jsonl")


def parts_of(steps: Steps) -> list[Part]:
    """The parts of a notebook with their cells that are not empty, in the order in which tasks run them."""
    parts = [
        (PARAMETERS, steps.parameters),
        (SHARED, steps.shared),
        *((str(step.name), (*step.cells, *step.checks)) for step in steps.steps),
    ]
    filled = [(name, tuple(one for one in cells if one.body.strip())) for name, cells in parts]
    return [(name, cells) for name, cells in filled if cells]


def moment(cells: Iterable[TaggedCell], seen: dict[str, Any]) -> dict[str, Any]:
    """What was seen after these cells had run."""
    return {"cells": [signed_cell(one) for one in cells], **seen}


def write_record(notebook: Notebook, moments: list[dict[str, Any]]) -> Path:
    """Write the record of a run of a notebook, over an older one.

    Raises
    ------
    CellmillError
        If the project's folder can't be written to.
    """
    path = record_path(notebook.path)
    content = {"format": FORMAT, "notebook": notebook.path.name, "made": "run", "moments": moments}
    write_bytes(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())
    return path


def read_evidence(steps: Steps) -> Evidence | None:
    """Read what is known of a notebook's run, for the parts that are still as they ran; None if nothing is.

    There may be two records: of a run (`observe`, `verify`), and of a kernel in which the notebook was written. The one
    that covers more of the notebook as it is now counts.

    Parameters
    ----------
    steps
        The notebook as it is now.
    """
    path = record_path(steps.notebook.path)
    found = [one for one in (_read(path, steps), _read(kernel_record_path(steps.notebook.path), steps)) if one]
    return max(found, key=lambda one: len(one.parts)) if found else None


def _read(path: Path, steps: Steps) -> Evidence | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        record = _parsed(content, path)
        if record["format"] != FORMAT:
            return None
        parts, stale = _fresh(record, ordered_steps(steps))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        # None of ours, or cut off: the source alone decides, as if the notebook had never run.
        return None
    return Evidence(parts, hashlib.sha256(content).hexdigest(), stale)


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    if path.suffix != ".jsonl":
        record: dict[str, Any] = json.loads(content)
        return record
    lines = [json.loads(line) for line in content.splitlines()]
    return {**lines[0], "moments": lines[1:]}


def _fresh(record: dict[str, Any], steps: Steps) -> tuple[dict[str, PartFacts], str | None]:
    live = record["made"] == "kernel"
    parts = parts_of(steps)
    promoted = [tagged for _, cells in parts for tagged in cells]
    if live and [one.cell.number for one in promoted] != sorted(one.cell.number for one in promoted):
        return {}, "the pipeline runs cells in another order than the document has them"
    ours = {str(one.cell.id) for one in promoted}
    moments = record["moments"]
    by_cell = [(one, signed) for one in moments for signed in one["cells"] if not live or signed["id"] in ours]
    if by_cell and (changed := _changed_module(by_cell[-1][0].get("modules", {}), steps.notebook.path.parent)):
        return {}, f"{changed} has changed since the notebook was observed"
    found: dict[str, PartFacts] = {}
    at = 0
    for name, cells in parts:
        own = by_cell[at : at + len(cells)]
        for tagged, (one, signed) in zip(cells, own, strict=False):
            if why := _not_as_it_ran(tagged, one, signed, live=live):
                return found, why
        if len(own) < len(cells):
            return found, f"cell {cells[len(own)].cell.number} was not observed"
        at += len(cells)
        if at < len(by_cell) and by_cell[at][0] is by_cell[at - 1][0]:
            return found, f"step {name} had more cells when the notebook was observed"
        own_moments = list({id(one): one for one, _ in own}.values())
        found[name] = _facts(joined(own_moments, len(own_moments) - 1))
    return found, "cells ran again after the last one" if len(by_cell) > at else None


def _not_as_it_ran(tagged: TaggedCell, seen: dict[str, Any], signed: dict[str, str], *, live: bool) -> str | None:
    number = tagged.cell.number
    if live and signed["id"] != str(tagged.cell.id):
        return f"cell {number} did not run in the document's order"
    if seen.get("failed"):
        return f"cell {number} failed"
    return f"cell {number} has changed since it was observed" if signed != signed_cell(tagged) else None


def _changed_module(modules: dict[str, str], folder: Path) -> str | None:
    for name, digest in modules.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return name
    return None


def _facts(seen: dict[str, Any]) -> PartFacts:
    names = {
        name: NameFact(fact["type"], fact["bytes"], fact["print"], fact["sampled"], fact["immutable"])
        for name, fact in seen["names"].items()
    }
    together = tuple(tuple(group) for group in seen["groups"])
    return PartFacts(names, seen["changes"], together, seen["states"], seen["complete"])


def joined(moments: list[dict[str, Any]], main: int) -> dict[str, Any]:
    """Moments of one part as one: what it left is what the main one saw, but for what others changed after that.

    Parameters
    ----------
    moments
        In the order in which they came.
    main
        The place among them of the one with which the part came to its end; other cells may have run after it.
    """
    changes: dict[str, Change] = {}
    states: dict[str, Any] = {}
    for one in moments:
        for name, change in one["changes"].items():
            # What is made and then changed is new all the same.
            changes[name] = "new" if changes.get(name) == "new" and change != "gone" else change
        for name, how in one["states"].items():
            states[name] = "set" if "set" in (how, states.get(name)) else how
    names = dict(moments[main]["names"])
    for one in moments[main + 1 :]:
        names |= {name: one["names"][name] for name in one["changes"] if name in one["names"]}
    complete = all(one["complete"] for one in moments)
    return {**moments[main], "names": names, "changes": changes, "states": states, "complete": complete}


def signed_cell(tagged: TaggedCell) -> dict[str, str]:
    """A cell's id and a hash of its source without cellmill's magic line."""
    return {"id": str(tagged.cell.id), "sha256": sha256(tagged.body)}


def sha256(text: str) -> str:
    """A hash of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
