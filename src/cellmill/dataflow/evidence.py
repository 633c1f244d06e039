"""Observed evidence: what a real run of the notebook showed of each part's names. Plain data, wherever it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Change = Literal["new", "bound", "changed", "gone"]
StateChange = Literal["set", "drawn"]


@dataclass(frozen=True)
class NameFact:
    """What a name stood for when a part had ended.

    Attributes
    ----------
    type
        Its type's module and qualified name, such as ``builtins.int``.
    size
        Its size in bytes, estimated.
    content
        A hash of its content; None where nobody can tell.
    sampled
        Whether only a sample of it was read: such a hash can show a change, but not that there was none.
    immutable
        Whether no code can change the object.
    """

    type: str
    size: int = 0
    content: str | None = None
    sampled: bool = False
    immutable: bool = False


@dataclass(frozen=True)
class PartFacts:
    """What one part (parameters, shared cells, a step) did and left.

    Attributes
    ----------
    names
        All of the author's names when it had ended.
    changes
        Names that it made, bound again, changed in place or deleted.
    together
        Names that share an object which can change, in sorted groups.
    states
        Process state that it set, or random generators that it drew from.
    complete
        Whether there was time to look at everything.
    """

    names: Mapping[str, NameFact]
    changes: Mapping[str, Change] = field(default_factory=dict)
    together: tuple[tuple[str, ...], ...] = ()
    states: Mapping[str, StateChange] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True)
class Evidence:
    """What one run showed, for as many parts, from the first on, as are still what they were.

    Attributes
    ----------
    parts
        By the part's name, in pipeline order.
    sha256
        A hash of the record that it was read from.
    stale
        Why parts are missing, as a sentence; None if none are.
    """

    parts: Mapping[str, PartFacts]
    sha256: str = ""
    stale: str | None = None

    def before(self, part: str) -> PartFacts | None:
        """What the part found when it began; None for the first one and for those that were not observed."""
        names = list(self.parts)
        return self.parts[names[names.index(part) - 1]] if part in names[1:] else None

    def may_drop(self, name: str, part: str) -> str | None:
        """The type of an object that no code in the part can have changed, or None where that is not certain."""
        found = self.before(part)
        fact = found.names.get(name) if found is not None else None
        done = self.parts.get(part)
        if fact is None or done is None or not fact.immutable or done.changes.get(name) in ("bound", "changed", "gone"):
            return None
        # What a tuple holds may be something else with tomorrow's data; its type would not tell.
        return fact.type if fact.type not in ("builtins.tuple", "builtins.frozenset") else None
