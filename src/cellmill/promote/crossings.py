"""Where variables cross from step to step, and what probes them there, in the notebook's kernel and in the tasks'."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cellmill.observe.kernel_code import call


@dataclass(frozen=True)
class Crossing:
    """One variable on one edge.

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


def crossings(provenance: Mapping[str, Any]) -> tuple[Crossing, ...]:
    """Find the variables on the edges of a promoted pipeline, in the notebook's order."""
    numbers: dict[str, list[int]] = {}
    for entry in provenance["cells"].values():
        if entry["task"] is not None and not entry.get("check"):
            numbers.setdefault(entry["task"], []).append(entry["number"])
    found = [
        Crossing(name, provider, consumer, max(numbers[provider]), min(numbers[consumer]))
        for edge in provenance["edges"]
        if (provider := edge["provider"]) in numbers and (consumer := edge["consumer"]) in numbers
        for name in edge["variables"]
    ]
    return tuple(sorted(found, key=lambda one: (one.left, one.began, one.name)))


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
    """

    all: tuple[Crossing, ...]
    folder: Path
    kept: Path

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

    def read(self, moment: str) -> dict[str, dict[str, Any]] | None:
        """The descriptions of a moment, by provider and name; None if it did not come."""
        try:
            content = json.loads((self.folder / f"{moment}.json").read_text(encoding="utf-8"))
        except OSError:
            return None
        return content if isinstance(content, dict) else None

    def _code(self, moment: str, crossing: list[Crossing]) -> str:
        groups: dict[str, list[str]] = {}
        for one in sorted(crossing, key=lambda one: (one.provider, one.name)):
            names = groups.setdefault(one.provider, [])
            if one.name not in names:
                names.append(one.name)
        return call("describe", "capture", groups, str(self.folder / f"{moment}.json"), str(self.kept))
