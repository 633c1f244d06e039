"""Where variables and process state cross from step to step, and what probes them there, on both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cellmill.observe.kernel_code import call

Kind = Literal["variable", "state"]


@dataclass(frozen=True)
class Crossing:
    """One variable, or one piece of process state such as ``numpy.random``, on one edge.

    Attributes
    ----------
    left
        The provider's last cell.
    began
        The consumer's first cell.
    """

    name: str
    provider: str
    consumer: str
    left: int
    began: int
    kind: Kind = "variable"

    @property
    def told(self) -> str:
        """What differences call it."""
        return self.name if self.kind == "variable" else state_words(self.name)

    @property
    def moment(self) -> str:
        """When the notebook's value is the one that counts.

        A consumer must find what the notebook's had: what changed the value on the way is a difference. Where the two
        steps' cells lie among each other, there is no such moment, and the provider's end counts.
        """
        return f"begin-{self.consumer}" if self.left < self.began else self.end

    @property
    def end(self) -> str:
        """When the provider has ended."""
        return f"end-{self.provider}-{self.consumer}"


def state_words(name: str) -> str:
    """What people call a piece of process state.

    Examples
    --------
    >>> state_words("numpy.random"), state_words("cwd"), state_words("patch:pandas.DataFrame.size")
    ('the state of numpy.random', 'the working directory', 'the patched pandas.DataFrame.size')
    """
    if name.startswith("patch:"):
        return f"the patched {name.removeprefix('patch:')}"
    return {"cwd": "the working directory"}.get(name, f"the state of {name}")


def crossings(provenance: Mapping[str, Any]) -> tuple[Crossing, ...]:
    """Find what is on the edges of a promoted pipeline, variables first, in the notebook's order."""
    numbers: dict[str, list[int]] = {}
    for entry in provenance["cells"].values():
        if entry["task"] is not None and not entry.get("check"):
            numbers.setdefault(entry["task"], []).append(entry["number"])
    found = [
        Crossing(name, provider, consumer, max(numbers[provider]), min(numbers[consumer]), kind)
        for edge in provenance["edges"]
        if (provider := edge["provider"]) in numbers and (consumer := edge["consumer"]) in numbers
        for kind, names in _carried(edge)
        for name in names
    ]
    return tuple(sorted(found, key=lambda one: (one.kind == "state", one.left, one.began, one.name)))


def _carried(edge: Mapping[str, Any]) -> tuple[tuple[Kind, list[str]], ...]:
    # Pipelines that were promoted by an older version say nothing of states.
    return ("variable", edge["variables"]), ("state", edge.get("states", []))


@dataclass(frozen=True)
class Probes:
    """The probes of one execution, of the notebook or of the pipeline.

    Attributes
    ----------
    all
        What crosses.
    folder
        Where this execution's descriptions go.
    kept
        Where content goes, the same folder for all executions.
    beside
        The notebook's folder, from which paths are told.
    """

    all: tuple[Crossing, ...]
    folder: Path
    kept: Path
    beside: Path

    def in_notebook(self, moment: Literal["before", "after"], number: int | None) -> str | None:
        """The code to run beside a cell of the notebook: where a consumer begins, and where a provider has ended."""
        if moment == "before":
            beginning = {one.consumer for one in self.all if one.began == number}
            code = [
                self._code(f"begin-{step}", [one for one in self.all if one.consumer == step]) for step in beginning
            ]
        else:
            ended = {one.end for one in self.all if one.left == number}
            code = [self._code(end, [one for one in self.all if one.end == end]) for end in ended]
        return "\n".join(sorted(code)) or None

    def in_task(self, task: str, moment: Literal["before", "after"], cell: Mapping[str, Any]) -> str | None:
        """The code to run beside a task's cell: after that which loads what the task receives."""
        received = [one for one in self.all if one.consumer == task]
        if moment != "after" or "inputs" not in cell["metadata"].get("tags", ()) or not received:
            return None
        return self._code(f"begin-{task}", received)

    def read(self, moment: str, kind: Kind = "variable") -> dict[str, dict[str, Any]] | None:
        """The descriptions of a moment, by provider and name; None if it did not come."""
        try:
            content = json.loads(self._target(moment, kind).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def _target(self, moment: str, kind: Kind) -> Path:
        return self.folder / f"{moment}.{kind}.json"

    def _code(self, moment: str, crossing: list[Crossing]) -> str:
        """Expressions, so that they bind no name among the author's; state first, as describing may touch it."""
        lines = []
        kept = str(self.kept)
        if groups := _groups(crossing, "state"):
            target, beside = str(self._target(moment, "state")), str(self.beside)
            lines.append(call("process_state", "capture_states", groups, target, kept, beside, namespace=False))
        if groups := _groups(crossing, "variable"):
            lines.append(call("describe", "capture", groups, str(self._target(moment, "variable")), kept))
        return "\n".join(lines)


def _groups(crossing: list[Crossing], kind: Kind) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for one in sorted(crossing, key=lambda one: (one.provider, one.name)):
        if one.kind == kind and one.name not in (names := groups.setdefault(one.provider, [])):
            names.append(one.name)
    return groups
