"""How long tasks took in earlier runs, by which the one that most waits for goes first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cellmill.notebook import project_root
from cellmill.run.history import LoggedRun, record_folders

# Records that are looked at; a task that ran in none of them counts as one that never ran.
_LOOKED_AT = 10
# Seconds of a task of which nothing is known.
_UNKNOWN = 1.0


def past_seconds(folder: Path, names: Collection[str]) -> dict[str, float]:
    """The seconds that tasks took when they last succeeded; without those of which no recent record tells.

    Parameters
    ----------
    folder
        The pipeline's folder.
    names
        The tasks that are asked about.
    """
    folder = folder.resolve()
    found: dict[str, float] = {}
    looked = 0
    for record in record_folders(project_root(folder)):
        if looked == _LOOKED_AT or len(found) == len(names):
            break
        run = LoggedRun(record)
        if not run.valid or run.pipeline != folder:
            continue
        looked += 1
        for task in run.as_dict()["tasks"]:
            if task["name"] in names and task["state"] == "done" and isinstance(task["seconds"], int | float):
                found.setdefault(task["name"], float(task["seconds"]))
    return found


def remaining_seconds(
    order: Sequence[str], upstream: Mapping[str, Collection[str]], due: Collection[str], seconds: Mapping[str, float]
) -> dict[str, float]:
    """For each task the length of the longest path that begins with it: itself, and what waits for it.

    Parameters
    ----------
    order
        All tasks, each after its upstream.
    upstream
        By task those before it.
    due
        Those that are to run; the others take no time.
    seconds
        How long they take, as far as that is known.

    Examples
    --------
    >>> remaining_seconds("abc", {"a": "", "b": "a", "c": ""}, "abc", {"b": 5.0, "c": 4.0})
    {'c': 4.0, 'b': 5.0, 'a': 6.0}
    """
    found: dict[str, float] = {}
    for name in reversed(order):
        after = max((found[other] for other in found if name in upstream[other]), default=0.0)
        found[name] = after + (seconds.get(name, _UNKNOWN) if name in due else 0.0)
    return found
