"""How the pipelines of a project stand: what ran, what is next, what is wrong, what is promised and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellmill.monitor.figures import Streak, levels_of, streaks
from cellmill.monitor.levels import Levels
from cellmill.monitor.promises import Promises
from cellmill.monitor.tables import unsent
from cellmill.monitor.words import length, percent
from cellmill.run.database import find_runs
from cellmill.schedule.declare import Known, known_schedules
from cellmill.schedule.members import serving
from cellmill.schedule.project import told
from cellmill.schedule.store import Store

STATES = ("broken", "failing", "running", "ok", "paused", "new")
"""Of a pipeline, the worst first: a service level does not hold; the last run of a schedule failed; a run goes on; the
last one went well; no schedule is due any more; nothing has run yet."""

_STRIP = 30
_RAN = ("running", "succeeded", "failed", "lost", "stopped", "missed")


def project_status(store: Store, root: Path, folders: Sequence[Path] | None, now: float) -> dict[str, Any]:
    """The status of a project's pipelines that have schedules or promise something, JSON-ready.

    Parameters
    ----------
    folders
        Only these; all of the project if None.
    now
        Seconds since the epoch; all times in the result are such, all lengths seconds.

    Returns
    -------
    dict
        ``pipelines`` (each with its ``schedules``, ``levels`` and ``incidents``), ``schedulers``, ``unsent`` (alerts
        that could not be sent), ``problems`` (what is wrong with what is promised), ``broken`` (whether any service
        level does not hold).
    """
    promised, problems = Promises([root]).of(root)
    known = known_schedules(store, [root])
    chosen = [*dict.fromkeys([*(one.folder for one in known), *promised])]
    if folders is not None:
        chosen = [one for one in chosen if one in folders]
        problems = [one for one in problems if one.notebook and Path(one.notebook).parent in folders]
    levels = levels_of(store, root, {one: settings for one, settings in promised.items() if one in chosen}, now)
    failing = streaks(store)
    pipelines = [
        _pipeline(store, root, folder, [one for one in known if one.folder == folder], levels.get(folder), failing, now)
        for folder in sorted(chosen)
    ]
    return {
        "project": str(root),
        "at": now,
        "store": store.shown,
        "pipelines": sorted(pipelines, key=lambda one: (STATES.index(one["state"]) > 1, one["name"])),
        "schedulers": serving(store, root),
        "unsent": [one for one in unsent(store) if one["root"] == str(root)],
        "problems": [str(one) for one in problems],
        "broken": any(one["levels"] is not None and one["levels"]["broken"] for one in pipelines),
    }


def _pipeline(
    store: Store,
    root: Path,
    folder: Path,
    known: Sequence[Known],
    levels: Levels | None,
    failing: Mapping[str, Streak],
    now: float,
) -> dict[str, Any]:
    schedules = [told(store, one, now, _STRIP) for one in known]
    ticks = [{**tick, "schedule": one["name"]} for one in schedules for tick in one["ticks"] if tick["state"] in _RAN]
    last = max(ticks, key=lambda tick: tick["due"], default=None) or _by_hand(root, folder)
    incidents = [
        _failure(one, each, failing[one.id]) for one, each in zip(known, schedules, strict=True) if one.id in failing
    ]
    incidents += _broken(levels) if levels is not None else []
    following = [one["next"] for one in schedules if one["next"] is not None]
    if levels is not None and levels.broken:
        state = "broken"
    elif incidents:
        state = "failing"
    elif any(tick["state"] == "running" for tick in ticks):
        state = "running"
    elif known and not any(one.active for one in known):
        state = "paused"
    else:
        state = "ok" if last is not None else "new"
    return {
        "name": folder.name,
        "folder": str(folder),
        "state": state,
        "last": last,
        "next": min(following, default=None),
        "levels": levels.as_dict() if levels is not None else None,
        "incidents": incidents,
        "schedules": schedules,
    }


def _failure(known: Known, told: Mapping[str, Any], streak: Streak) -> dict[str, Any]:
    last = next((tick for tick in told["ticks"] if tick["state"] in ("failed", "lost")), None) or {}
    return {
        "kind": "failure",
        "schedule": known.name,
        "since": streak.since,
        "count": streak.count,
        "words": f"{known.label} {'failed' if streak.count == 1 else f'failed {streak.count} times'}",
        "reason": last.get("reason", ""),
        "run_id": last.get("run_id"),
    }


def _broken(levels: Levels) -> list[dict[str, Any]]:
    found = []
    if levels.freshness_broken:
        limit = length(levels.settings.freshness or 0.0)
        words = f"no good product for more than {limit}"
        found.append({"kind": "freshness", "since": levels.last_good, "words": words})
    if levels.success_broken:
        target = levels.settings.success_rate
        rate = percent(levels.window.success_rate or 0.0, target)
        words = f"{rate} of runs succeeded in {length(levels.settings.window)}; promised: {percent(target or 0.0)}"
        found.append({"kind": "success-rate", "since": None, "words": words})
    return [{"schedule": None, "count": 1, "reason": "", "run_id": None, **one} for one in found]


def _by_hand(root: Path, folder: Path) -> dict[str, Any] | None:
    """The last run of a pipeline that no schedule has run."""
    for run in find_runs(root, pipeline=folder, limit=10):
        if run["kind"] == "run":
            names = {"due": run["started"], "started": run["started"], "ended": run["ended_at"], "state": run["state"]}
            return {**names, "run_id": run["run_id"], "schedule": None, "reason": run["message"] or "", "count": 1}
    return None
