"""Why a task is outdated, in words: Ploomber decides that it is, and this reads from the same records why."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellmill.promote.env_values import decode
from cellmill.run.origin import Origin
from cellmill.run.products import products_of

if TYPE_CHECKING:
    from ploomber.tasks import Task

ReasonKind = Literal["never-run", "product", "record", "code", "parameter", "resource", "upstream", "asked", "other"]

_LONGEST_VALUE = 60
# Cells that are named one by one; of more, only how many they are.
_MOST_CELLS = 3


@dataclass(frozen=True)
class Reason:
    """One reason why a task is to run.

    Attributes
    ----------
    kind
        ``never-run``; ``product`` (one is missing); ``record`` (products are there, but no finished run of the task is
        recorded); ``code``; ``parameter``; ``resource`` (a module beside the notebook, or the shared one); ``upstream``
        (an upstream task is outdated or was run since); ``asked`` (an option asks for it); ``other`` (Ploomber finds it
        outdated and does not record why).
    text
        In words, to stand behind "would run: ".
    subject
        What it is about: the path of a product, a task's file or a resource relative to the pipeline's folder, the name
        of a parameter or of an upstream task, the option.
    """

    kind: ReasonKind
    text: str
    subject: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return {"kind": self.kind, "text": self.text, "subject": self.subject}


def reasons_of(task: Task, folder: Path) -> tuple[Reason, ...]:
    """Why Ploomber finds a task outdated; none if it does not.

    Parameters
    ----------
    task
        A task of a rendered DAG.
    folder
        The pipeline's folder.
    """
    if not task.product._is_outdated():
        return ()
    products = products_of(task)
    missing = [one for one in products if not one.exists()]
    recorded = [one for one in products if one.exists() and one.metadata.timestamp is not None]
    if len(missing) == len(products) and not any(_was_made(one) for one in products):
        return (Reason("never-run", "never run"),)
    if not recorded and len(missing) < len(products):
        # What is missing is then what it did not come to.
        return (Reason("record", "no finished run of it is recorded"),)
    found = [_missing(one, folder) for one in missing]
    if len(recorded) + len(missing) < len(products):
        found.append(Reason("record", "the record of its last run is not whole"))
    found += _code(task, recorded, folder)
    found += _parameters(task, recorded, folder)
    found += _upstream(task, recorded)
    return tuple(found) or (Reason("other", "Ploomber finds it outdated"),)


def made_at(task: Task) -> float | None:
    """When a task's products were made, in seconds since the epoch; None where no finished run of it is recorded."""
    found = [one.metadata.timestamp for one in products_of(task)]
    return None if None in found else min(found)


def _was_made(product: Any) -> bool:
    """Whether Ploomber's record of a product is there, though the product is not."""
    path = getattr(product, "_path_to_metadata", None)
    return path is not None and bool(path.exists())


def _missing(product: Any, folder: Path) -> Reason:
    path = _relative(str(product), folder)
    return Reason("product", f"its product {path} is missing", path)


def _code(task: Task, recorded: list[Any], folder: Path) -> Iterator[Reason]:
    source = task.source
    code = str(source)
    for product in recorded:
        stored = product.metadata.stored_source_code
        if task.dag.differ.is_different(stored, code, None, None, extension=source.extension)[0]:
            location = str(source.loc or "").rsplit(":", 1)[0]
            file = _relative(str(folder / location), folder) if location else None
            where = _where(source, stored, code, folder)
            text = f"its code changed{f' ({file}' if file else ''}{f': {where}' if file and where else ''}"
            yield Reason("code", text + (")" if file else ""), file)
            return


def _where(source: Any, stored: object, code: str, folder: Path) -> str:
    """The source cells in which the code differs from the stored one, as far as that is known."""
    cells = getattr(getattr(source, "_nb_obj_unrendered", None), "cells", None)
    if not isinstance(stored, str) or not cells:
        return ""
    matcher = SequenceMatcher(None, stored.split("\n"), code.split("\n"), autojunk=False)
    changed = [(first, max(first + 1, end)) for tag, _, _, first, end in matcher.get_opcodes() if tag != "equal"]
    origin = Origin.read(folder)
    places: dict[str, int | None] = {}
    begin = 0
    for cell in cells:
        end = begin + cell.source.count("\n") + 1
        lines = [first - begin + 1 for first, last in changed if first < end and last > begin]
        if lines:
            place = origin.of_cell(cell.metadata.get("cell"), max(1, lines[0]))
            if place is not None and place.cell is not None:
                places[f"cell {place.cell}"] = place.line
            else:
                places[_generated(cell.metadata.get("tags") or ())] = None
        begin = end
    if len(places) > _MOST_CELLS:
        return f"{len(places)} cells"
    if len(places) == 1:
        (name, line), *_ = places.items()
        return f"{name}, line {line}" if line is not None else name
    return ", ".join(places)


def _generated(tags: Any) -> str:
    """What promotion wrote around the author's cells, by its tag."""
    known = [tag for tag in ("parameters", "inputs", "outputs") if tag in tags]
    return f"its {known[0]}" if known else "a cell without an origin"


def _parameters(task: Task, recorded: list[Any], folder: Path) -> Iterator[Reason]:
    from ploomber.products._resources import process_resources
    from ploomber.products.serializeparams import remove_non_serializable_top_keys

    files = task.params.to_json_serializable(params_only=True)
    now = remove_non_serializable_top_keys(process_resources(files))
    stored = next((found for one in recorded if (found := one.metadata.params) is not None and found != now), None)
    if stored is None:
        return
    then = remove_non_serializable_top_keys(stored)
    yield from _resources(then.get("resources_") or {}, now.get("resources_") or {}, files.get("resources_"), folder)
    for name in sorted((then.keys() | now.keys()) - {"resources_"}):
        if name not in now:
            yield Reason("parameter", f"it no longer takes the parameter {name}", name)
        elif name not in then:
            yield Reason("parameter", f"parameter {name} is new ({_value(now[name])})", name)
        elif then[name] != now[name]:
            text = f"parameter {name} changed from {_value(then[name])} to {_value(now[name])}"
            yield Reason("parameter", text, name)


def _resources(then: Any, now: Any, files: Mapping[str, str] | None, folder: Path) -> Iterator[Reason]:
    if not isinstance(then, dict) or not isinstance(now, dict):
        return
    for key in sorted(then.keys() | now.keys()):
        if key not in now:
            yield Reason("resource", f"the file that it names {key} is no longer one of its resources", key)
        elif then.get(key) != now[key]:
            path = _relative(str((files or {}).get(key, key)), folder)
            yield Reason("resource", f"{path} changed" if key in then else f"{path} is new among its resources", path)


def _upstream(task: Task, recorded: list[Any]) -> Iterator[Reason]:
    for name, upstream in task.upstream.items():
        times = [one.metadata.timestamp for one in recorded]
        if upstream.product._is_outdated():
            yield Reason("upstream", f"follows {name}, which is outdated", name)
        elif (made := made_at(upstream)) is None or any(made > time for time in times):
            yield Reason("upstream", f"{name} was made again since", name)


def _value(value: Any) -> str:
    try:
        value = decode(value)
    except ValueError:
        pass
    text = re.sub(r"\s+", " ", repr(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _relative(path: str, folder: Path) -> str:
    return os.path.relpath(folder / path, folder)
