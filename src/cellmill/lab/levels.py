"""The service levels of the workspace's pipelines as Lab shows them: figures, and the words that a terminal has."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cellmill.lab.root import Root
from cellmill.monitor.figures import levels_of
from cellmill.monitor.promises import Promises
from cellmill.monitor.words import level_words
from cellmill.run.settings import FILE_NAME
from cellmill.schedule.store import Store

# Seconds for which what was found of a project holds: it is asked for every few seconds, and changes slowly.
_HOLDS = 10.0

_found: dict[Path, tuple[float, dict[str, Any]]] = {}


def levels_told(root: Root, project: Path, store: Store | None) -> dict[str, Any]:
    """The ``levels`` of a project's pipelines, and the ``level_problems`` of what they promise.

    Parameters
    ----------
    store
        The schedulers'; None where there is none yet: runs by hand count all the same.
    """
    until, told = _found.get(project, (0.0, {}))
    if time.monotonic() < until:
        return told
    # Read anew each time: of those that are kept, a problem is told once.
    promised, problems = Promises([project]).of(project)
    levels = levels_of(store or Store("sqlite://"), project, promised, time.time()) if promised else {}
    told = {
        "levels": [
            {
                "folder": root.told(folder),
                "pipeline": folder.name,
                "file": root.told(folder / FILE_NAME),
                "broken": one.broken,
                "success_broken": one.success_broken,
                "freshness_broken": one.freshness_broken,
                "budget_left": one.budget_left if one.window.all else None,
                **level_words(one.as_dict()),
            }
            for folder, one in sorted(levels.items())
        ],
        "level_problems": [str(one) for one in problems],
    }
    _found[project] = time.monotonic() + _HOLDS, told
    return told
