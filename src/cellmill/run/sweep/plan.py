"""What a sweep will run: which steps each combination has for itself, which it shares, and where products go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.run.folder import PipelineFolder, task_name
from cellmill.run.sweep.values import Combination, Values, folder_name, label

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HERE_OUTPUT = re.compile(r"^\{\{\s*here\s*\}\}/output/")
FOLDER = "sweeps"


@dataclass(frozen=True)
class PlannedCombination:
    """One combination of values.

    Attributes
    ----------
    values
        The parameters that the sweep sets.
    label
        The combination in words; no other one of the sweep has the same.
    pipeline
        The pipeline with these values, and with the products where they belong.
    work
        For each task, in order, the name by which the sweep knows it: combinations with the same name share it.
    own
        The tasks of which this is the first combination: it runs them, later ones take what it made.
    """

    values: Combination
    label: str
    pipeline: PipelineFolder
    work: Mapping[str, str]
    own: tuple[str, ...]


@dataclass(frozen=True)
class SweepPlan:
    """All that a sweep will run.

    Attributes
    ----------
    pipeline
        The pipeline as an ordinary run has it.
    varied
        The names of the parameters with more than one value.
    order
        The pipeline's tasks, each after its upstream.
    """

    pipeline: PipelineFolder
    values: Values
    varied: tuple[str, ...]
    order: tuple[str, ...]
    combinations: tuple[PlannedCombination, ...]

    @property
    def work(self) -> dict[str, str]:
        """All work by name, in order, with the task that each is."""
        return {one.work[task]: task for one in self.combinations for task in one.own}

    @property
    def users(self) -> dict[str, tuple[int, ...]]:
        """By work the places of the combinations that need it."""
        found: dict[str, list[int]] = {}
        for place, one in enumerate(self.combinations):
            for name in one.work.values():
                found.setdefault(name, []).append(place)
        return {name: tuple(places) for name, places in found.items()}


def plan_sweep(
    pipeline: PipelineFolder,
    values: Values,
    combinations: Sequence[Combination],
    order: Sequence[str],
    upstream: Mapping[str, Sequence[str]],
) -> SweepPlan:
    """Decide for each combination which of the pipeline's tasks it shares with others.

    What a task makes depends on the parameters that it takes and on those that its upstream tasks take. Where none of
    them is varied, and those set to one value have it anyway, its products are the ordinary run's. Otherwise they lie
    in a folder that is named for these parameters, so that they are found again by whatever sweep asks for them.

    Parameters
    ----------
    order
        The pipeline's tasks, each after its upstream.
    upstream
        By task those before it.

    Raises
    ------
    CellmillError
        If no task takes a varied parameter, or a task's products can't be kept apart.
    """
    varied = tuple(name for name, given in values.items() if len(given) > 1)
    set_ = {name for name in values if name in varied or not _is_ordinary(pipeline, name, values[name][0])}
    # What runs for itself is named for all values that are typed, so that they may be varied or not another time.
    reached = {
        task: names if names & set_ else frozenset()
        for task, names in _reached(pipeline, set(values), order, upstream).items()
    }
    for name in varied:
        if not any(name in found for found in reached.values()):
            raise CellmillError(
                f"no step takes the parameter {name}: all its values would give the same",
                notebook=pipeline.folder / "pipeline.yaml",
                remedy="leave it out of the sweep",
            )
    _check_products(pipeline, [task for task in order if reached[task]])
    alike = {name for name in varied if len({label({name: one}) for one in values[name]}) < len(values[name])}
    seen: set[str] = set()
    planned = []
    for one in combinations:
        planned.append(_planned(pipeline, one, order, reached, _Words(varied or tuple(values), alike), seen))
        seen.update(planned[-1].work.values())
    return SweepPlan(pipeline, values, varied, tuple(order), tuple(planned))


@dataclass(frozen=True)
class _Words:
    """What to call combinations: by the values that differ, with a mark where two values look alike when cut off."""

    names: tuple[str, ...]
    alike: set[str]

    def __call__(self, values: Combination) -> str:
        told = {name: values[name] for name in self.names if name in values}
        return label(told) + (f" {folder_name(told)[-8:]}" if told.keys() & self.alike else "")


def _planned(
    pipeline: PipelineFolder,
    values: Combination,
    order: Sequence[str],
    reached: Mapping[str, frozenset[str]],
    words: _Words,
    seen: set[str],
) -> PlannedCombination:
    places: dict[str, Path] = {}
    work: dict[str, str] = {}
    home = pipeline.output / FOLDER
    for task in order:
        keyed = {name: value for name, value in values.items() if name in reached[task]}
        if keyed:
            places[task] = home / folder_name(keyed)
        told = words(keyed)
        work[task] = f"{task} [{told}]" if told else task
    own = tuple(task for task in order if work[task] not in seen)
    output = home / folder_name({name: values[name] for name in words.names})
    placed = pipeline.with_values(values).with_products(places, output)
    return PlannedCombination(values, words(values), placed, work, own)


def _is_ordinary(pipeline: PipelineFolder, name: str, value: Any) -> bool:
    ordinary = pipeline.parameters.get(name)
    return type(ordinary) is type(value) and bool(ordinary == value)


def _reached(
    pipeline: PipelineFolder, set_: set[str], order: Sequence[str], upstream: Mapping[str, Sequence[str]]
) -> dict[str, frozenset[str]]:
    """By task the parameters that decide what it makes, of those that the sweep sets."""
    keys = pipeline.env_keys
    names = {keys.get(name, name): name for name in set_}
    general = _named({key: value for key, value in pipeline.spec.items() if key != "tasks"}, names)
    own = {task_name(task): _named(task, names) for task in pipeline.spec.get("tasks") or () if isinstance(task, dict)}
    found: dict[str, frozenset[str]] = {}
    for task in order:
        before = [found[name] for name in upstream[task]]
        found[task] = frozenset().union(general, own.get(task, frozenset()), *before)
    return found


def _named(spec: Any, names: Mapping[str, str]) -> frozenset[str]:
    """The parameters of which placeholders stand anywhere in a part of pipeline.yaml."""
    return frozenset(names[key] for text in _texts(spec) for key in _PLACEHOLDER.findall(text) if key in names)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _check_products(pipeline: PipelineFolder, tasks: Sequence[str]) -> None:
    """Refuse products that can't go to a folder for each combination: one would overwrite the other's."""
    for task in pipeline.spec.get("tasks") or ():
        if not isinstance(task, dict) or task_name(task) not in tasks:
            continue
        for text in _texts(task.get("product")):
            if not _HERE_OUTPUT.match(text):
                raise CellmillError(
                    f"step {task_name(task)} writes its product {text} outside the pipeline's output folder, where "
                    "combinations would overwrite each other's",
                    notebook=pipeline.folder / "pipeline.yaml",
                    remedy="begin it with {{here}}/output/",
                )
