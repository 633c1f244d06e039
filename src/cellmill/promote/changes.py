"""What promoting again would change, told in meaning: steps, edges, parameters, packages. Lines come after."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cellmill.promote import provenance
from cellmill.promote.merge import Edits, Merge, last_promotion, merge_plan, most_alike
from cellmill.promote.plan import Plan
from cellmill.promote.script_cells import Segment, cell_of, read_script
from cellmill.promote.write import diff_merge

About = Literal["step", "cell", "edge", "parameter", "package", "edit"]
_MOST_PACKAGES = 6
_Edges = dict[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Change:
    """One change: what it is about, and a sentence without a full stop."""

    about: About
    text: str


def changes_of(plan: Plan, merge: Merge) -> tuple[Change, ...]:
    """What a plan changes in the folder's last promotion, and what becomes of edits; nothing for a first promotion."""
    last = last_promotion(plan.folder)
    if last is None:
        return ()
    now = json.loads(plan.files[provenance.FILE])
    renamed = _renamed(last, now)
    before = {one.path: one.before for one in merge.files}
    return (
        *_steps(last, now, renamed),
        *_cells(last, now, renamed, plan, merge),
        *_edges(last, now, renamed),
        *_parameters(_settings(before.get("cellmill.yaml")), _settings(plan.files.get("cellmill.yaml"))),
        *_packages(_pins(before.get("requirements.lock")), _pins(plan.files.get("requirements.lock"))),
        *_edits(merge),
    )


def told_diff(plan: Plan, edits: Edits = "merge", *, overwritten: Collection[str] = ()) -> str:
    """The changes in meaning, each on a line that begins with ``#``, and the unified diff; empty if there are none."""
    merge = merge_plan(plan, edits, overwritten=overwritten)
    diff = diff_merge(merge)
    if not diff:
        return ""
    told = "".join(f"# {one.text}.\n" for one in changes_of(plan, merge))
    return f"{told}\n{diff}" if told else diff


def _renamed(last: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """From a step's old name to its new one, where most of its cells are the same."""
    then, today = _cells_by_step(last), _cells_by_step(now)
    gone = {name: ids for name, ids in then.items() if name not in today}
    new = {name: ids for name, ids in today.items() if name not in then}
    return {was: name for name, ids in new.items() if (was := most_alike(ids, gone))}


def _cells_by_step(content: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {str(name): set() for name in content.get("steps", ())}
    for cell, entry in content.get("cells", {}).items():
        if entry.get("task"):
            found.setdefault(entry["task"], set()).add(cell)
    return found


def _steps(last: Mapping[str, Any], now: Mapping[str, Any], renamed: Mapping[str, str]) -> Iterator[Change]:
    then, today = list(last.get("steps", ())), list(now["steps"])
    new_names = set(renamed.values())
    for name in today:
        if name not in then and name not in new_names:
            yield Change("step", f"step {name} is new")
    for name in then:
        if name in renamed:
            yield Change("step", f"step {name} is now called {renamed[name]}")
        elif name not in today:
            yield Change("step", f"step {name} is gone")
    kept = [renamed.get(name, name) for name in then if renamed.get(name, name) in today]
    if kept != [name for name in today if name in kept]:
        yield Change("step", f"the steps are in another order: {', '.join(today)}")


def _cells(
    last: Mapping[str, Any], now: Mapping[str, Any], renamed: Mapping[str, str], plan: Plan, merge: Merge
) -> Iterator[Change]:
    """Cells of steps that stay: new, gone, moved or changed."""
    then, today = last.get("cells", {}), now["cells"]
    old_steps = {renamed.get(name, name) for name in last.get("steps", ())}
    changed = _changed_cells(plan, merge)
    for cell, entry in today.items():
        step, was = entry["task"], then.get(cell, {})
        place = f"step {step}" if step else "the shared code"
        if cell not in then:
            if step is None or step in old_steps:
                yield Change("cell", f"{place} has a new cell ({entry['number']})")
            continue
        old = renamed.get(was.get("task") or "", was.get("task"))
        if old != step:
            yield Change("cell", f"cell {entry['number']} moved from {_place(old)} to {place}")
        if cell in changed:
            yield Change("cell", f"cell {entry['number']} of {place} has changed")
    for cell, entry in then.items():
        step = renamed.get(entry.get("task") or "", entry.get("task"))
        if cell not in today and (step is None or step in now["steps"]):
            yield Change("cell", f"{_place(step)} has lost a cell (it was cell {entry.get('number')})")


def _place(step: str | None) -> str:
    return f"step {step}" if step else "the shared code"


def _changed_cells(plan: Plan, merge: Merge) -> set[str]:
    """Cells whose code in the notebook is not that of the last promotion."""
    before = _segments(merge.base.items())
    after = _segments((name, content.decode()) for name, content in plan.files.items() if name.endswith(".py"))
    return {cell for cell, one in after.items() if cell in before and before[cell].lines != one.lines}


def _segments(texts: Iterable[tuple[str, str]]) -> dict[str, Segment]:
    return {
        cell: segment
        for name, text in texts
        if name.endswith(".py")
        for key, segment in read_script(text).segments.items()
        if (cell := cell_of(key))
    }


def _edges(last: Mapping[str, Any], now: Mapping[str, Any], renamed: Mapping[str, str]) -> Iterator[Change]:
    then, today = _edges_of(last, renamed), _edges_of(now, {})
    for edge, names in today.items():
        arrow = " → ".join(edge)
        if edge not in then:
            yield Change("edge", f"{arrow} is new and {_carries(names)}")
        elif then[edge] != names:
            more = [name for name in names if name not in then[edge]]
            less = [name for name in then[edge] if name not in names]
            told = [f"now carries {_listed(more)}"] if more else []
            told += [f"no longer carries {_listed(less)}"] if less else []
            if told:
                yield Change("edge", f"{arrow} {' and '.join(told)}")
    for edge in then:
        if edge not in today:
            yield Change("edge", f"{' → '.join(edge)} is gone")


def _edges_of(content: Mapping[str, Any], renamed: Mapping[str, str]) -> _Edges:
    return {
        (renamed.get(one["provider"], one["provider"]), renamed.get(one["consumer"], one["consumer"])): tuple(
            one["variables"]
        )
        for one in content.get("edges", ())
    }


def _carries(names: tuple[str, ...]) -> str:
    return f"carries {_listed(names)}" if names else "only keeps the order"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _settings(content: bytes | None) -> dict[str, dict[str, Any]]:
    import yaml

    try:
        found = yaml.safe_load(content or b"")
        return {str(name): dict(value) for name, value in found["parameters"].items()}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        return {}


def _parameters(then: dict[str, dict[str, Any]], today: dict[str, dict[str, Any]]) -> Iterator[Change]:
    for name, one in today.items():
        old = then.get(name)
        if old is None:
            yield Change("parameter", f"parameter {name} is new, by default {one.get('default')!r}")
        elif old.get("default") != one.get("default"):
            yield Change("parameter", f"parameter {name} is by default {one.get('default')!r}, not {old['default']!r}")
        elif old.get("type") != one.get("type"):
            yield Change("parameter", f"parameter {name} is of type {one.get('type')}, not {old.get('type')}")
    for name in then:
        if name not in today:
            yield Change("parameter", f"parameter {name} is gone")


def _pins(content: bytes | None) -> dict[str, str]:
    lines = (content or b"").decode("utf-8", errors="replace").splitlines()
    pins = (line.partition("==") for line in lines if not line.startswith("#"))
    return {name.strip(): version.strip() for name, equals, version in pins if equals}


def _packages(then: dict[str, str], today: dict[str, str]) -> Iterator[Change]:
    new = [f"{name} {version}" for name, version in today.items() if name not in then]
    other = [
        f"{name} {version} (was {then[name]})" for name, version in today.items() if then.get(name, version) != version
    ]
    gone = [name for name in then if name not in today]
    if new and then:
        yield Change("package", f"new packages: {_some(new)}")
    if other:
        yield Change("package", f"packages of another version: {_some(other)}")
    if gone:
        yield Change("package", f"packages that are no longer needed: {_some(gone)}")


def _some(told: list[str]) -> str:
    more = f" and {len(told) - _MOST_PACKAGES} more" if len(told) > _MOST_PACKAGES else ""
    return ", ".join(told[:_MOST_PACKAGES]) + more


def _edits(merge: Merge) -> Iterator[Change]:
    """What becomes of edits made by hand."""
    for paths, told in (
        (merge.paths("merged"), "edited by hand and merged with the notebook's changes"),
        ([one.path for one in merge.files if one.state == "kept" and not one.orphan], "edited by hand and kept"),
        (
            [one.path for one in merge.files if one.orphan and one.state == "kept"],
            "edited by hand, and no run uses it now",
        ),
        (merge.paths("conflict"), "edited by hand and in conflict with the notebook"),
        (merge.lost, "edited by hand, and the edits would be lost"),
    ):
        if paths:
            yield Change("edit", f"{', '.join(paths)}: {told}")
