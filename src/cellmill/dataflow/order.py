"""The order of the steps: the notebook's, moved only where a step's cells lie apart or ``--after`` asks for it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from itertools import pairwise

from cellmill.dataflow.edges import _file_conflict
from cellmill.dataflow.effects import Effects
from cellmill.dataflow.walk import Walked, walk
from cellmill.findings import Finding
from cellmill.notebook.cells import StepName
from cellmill.notebook.steps import Step, Steps, TaggedCell
from cellmill.rules.names import StepCycle


@dataclass(frozen=True)
class _Conflict:
    """Two groups of cells that must keep their order, and the name that says so."""

    before: StepName
    after: StepName
    name: str
    cell: TaggedCell


def in_order(steps: Steps) -> tuple[Steps, tuple[Finding, ...]]:
    """Steps in an order in which each can run as a whole; an error finding where there is none."""
    runs = _runs(steps)
    names = [step.name for step in steps.steps]
    position = {name: at for at, name in enumerate(names)}
    split = len(runs) != len(names)
    forward = any(position.get(one, -1) > position[step.name] for step in steps.steps for one in step.options.after)
    if not split and not forward:
        return steps, ()
    conflicts = _conflicts(steps, runs)
    before: dict[StepName, set[StepName]] = {name: set() for name in names}
    for one in conflicts:
        before[one.after].add(one.before)
    for step in steps.steps:
        before[step.name] |= {one for one in step.options.after if one in before and one != step.name}
    ordered = _topological(names, before)
    if ordered is None:
        return steps, _impossible(steps, conflicts, before)
    by_name = {step.name: step for step in steps.steps}
    return replace(steps, steps=tuple(by_name[name] for name in ordered)), ()


def _runs(steps: Steps) -> list[tuple[StepName, tuple[TaggedCell, ...]]]:
    """Groups of neighbouring cells of one step, in notebook order (check cells stay with their step)."""
    placed = sorted(
        ((tagged.cell.number, step.name, tagged) for step in steps.steps for tagged in step.cells),
        key=lambda one: one[0],
    )
    runs: list[tuple[StepName, list[TaggedCell]]] = []
    for _, name, tagged in placed:
        if runs and runs[-1][0] == name:
            runs[-1][1].append(tagged)
        else:
            runs.append((name, [tagged]))
    return [(name, tuple(cells)) for name, cells in runs]


def _conflicts(steps: Steps, runs: list[tuple[StepName, tuple[TaggedCell, ...]]]) -> list[_Conflict]:
    """Pairs of runs of different steps, one of which makes or changes what the other uses."""
    as_steps = tuple(Step(StepName(f"{name}#{at}"), cells) for at, (name, cells) in enumerate(runs))
    walked, _ = walk(replace(steps, steps=as_steps))
    parts = walked[2:]
    # Where nothing sets a generator's position, nobody can say who is to draw first.
    positioned = {state for part in walked for state in part.effects.states}
    found = []
    for later, (name, cells) in enumerate(runs):
        for earlier in range(later):
            if runs[earlier][0] == name:
                continue
            shared = _shared_name(parts[earlier], parts[later], positioned)
            if shared is not None:
                found.append(_Conflict(runs[earlier][0], name, shared, cells[0]))
    return found


def _shared_name(one: Walked, other: Walked, positioned: set[str]) -> str | None:
    first, second = _changed(one.effects), _changed(other.effects)
    names = (first & (second | _used(other.effects))) | (second & _used(one.effects))
    names |= one.effects.draws.keys() & other.effects.draws.keys() & positioned
    if names:
        return sorted(names)[0]
    return _file_conflict(one.effects, other.effects)


def _changed(effects: Effects) -> set[str]:
    return effects.binds.keys() | effects.deletes.keys() | effects.mutated_names.keys() | effects.states.keys()


def _used(effects: Effects) -> set[str]:
    return effects.reads.keys() | effects.mentions.keys() | effects.draws.keys()


def _topological(names: list[StepName], before: dict[StepName, set[StepName]]) -> list[StepName] | None:
    """Kahn's algorithm with the notebook's order as tie-break; None if there is a cycle."""
    position = {name: at for at, name in enumerate(names)}
    missing = {name: set(needed) for name, needed in before.items()}
    ready = [position[name] for name in names if not missing[name]]
    heapq.heapify(ready)
    ordered: list[StepName] = []
    while ready:
        name = names[heapq.heappop(ready)]
        ordered.append(name)
        for other in names:
            if name in missing[other]:
                missing[other].discard(name)
                if not missing[other]:
                    heapq.heappush(ready, position[other])
    return ordered if len(ordered) == len(names) else None


def _impossible(steps: Steps, conflicts: list[_Conflict], before: dict[StepName, set[StepName]]) -> tuple[Finding, ...]:
    """Name two steps that need each other; a circle of nothing but ``--after`` is told where the tags are read."""
    for one in conflicts:
        way = _way(one.after, one.before, before)
        if way is None:
            continue
        why = f"step {one.after} uses `{one.name}` of step {one.before}, and step {one.before} "
        back = next((other for other in conflicts if other.before == one.after and other.after == one.before), None)
        remedy = f"give the later cells of step {one.before} a step name of their own"
        if back is not None:
            why += f"(cell {back.cell.cell.number}) uses `{back.name}` of step {back.before}"
        elif len(way) == 2:
            why += f"must run after step {one.after} by --after"
            remedy = f"take --after {one.after} away from step {one.before}"
        else:
            why += f"needs step {one.after} by way of {' -> '.join(way)}"
            declared = {(first, step.name) for step in steps.steps for first in step.options.after}
            needed = {(other.before, other.after) for other in conflicts}
            for first, then in pairwise(way):
                if (first, then) in declared - needed:
                    remedy = f"take --after {first} away from step {then}"
        found = StepCycle.finding(
            message=f"steps {one.before} and {one.after} need each other: {why}",
            remedy=remedy,
            step=one.before,
            name=one.name,
            cell=one.cell.cell.number,
            cell_id=str(one.cell.cell.id),
            line=1,
        )
        return (found,)
    return ()


def _way(start: StepName, end: StepName, before: dict[StepName, set[StepName]]) -> list[StepName] | None:
    """The shortest chain of steps from ``start`` to ``end`` in which each must run before the next."""
    ways = [[end]]
    seen = {end}
    for way in ways:
        for name in sorted(before[way[0]] - seen):
            if name == start:
                return [name, *way]
            seen.add(name)
            ways.append([name, *way])
    return None
