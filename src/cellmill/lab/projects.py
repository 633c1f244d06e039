"""Finds pipelines and the records of runs below the server's root, without a walk through all of somebody's home."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from cellmill.lab.root import Root

_DEEPEST = 6
_MOST_FOLDERS = 5000
_SKIPPED = frozenset(
    {"__pycache__", "build", "dist", "mlartifacts", "mlruns", "node_modules", "output", "site-packages"}
)


@dataclass
class Projects:
    """What was found: the folders of pipelines, and the projects that keep records of runs."""

    pipelines: list[Path] = field(default_factory=list)
    with_runs: list[Path] = field(default_factory=list)


def find_projects(root: Root) -> Projects:
    """Walk through the folders below the root, near ones first; hidden ones, links and environments are left out."""
    found = Projects()
    waiting = deque([(root.folder, 0)])
    seen = 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.popleft()
        seen += 1
        try:
            with os.scandir(folder) as entries:
                inside = {entry.name: entry for entry in entries}
        except OSError:
            continue
        if "pyvenv.cfg" in inside:
            continue
        if ".cellmill" in inside and (folder / ".cellmill" / "runs").is_dir():
            found.with_runs.append(folder)
        if "pipeline.yaml" in inside:
            found.pipelines.append(folder)
        elif depth < _DEEPEST:
            below = [name for name, entry in sorted(inside.items()) if _may_hold(entry)]
            waiting.extend((folder / name, depth + 1) for name in below)
    return found


def _may_hold(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.name[0] != "." and entry.name not in _SKIPPED and entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
