"""What a name may stand for: sets of labels, one for each place in the code that makes an object.

A points-to analysis in the style of Andersen (1994), flow-sensitive along the notebook and path-insensitive:
two names may be one object if their ``own`` labels meet; changing an object through one name may be seen through
another if the label changed is in the other's ``reach``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Label = str

FactKind = Literal["object", "display", "frame", "instance", "iterator", "resource", "closure", "import", "unknown"]


@dataclass(frozen=True)
class Fact:
    """What is known of the objects behind a label.

    ``detail`` is, by kind: the dotted name of the maker (``instance``, ``import``), what it is in words (``resource``).
    """

    kind: FactKind
    detail: str = ""
    step: str = ""
    cell: int = 0
    line: int = 0


@dataclass(frozen=True)
class Value:
    """The labels that a name may refer to (``own``) and those that can be reached from there (``reach``)."""

    own: frozenset[Label] = frozenset()
    reach: frozenset[Label] = frozenset()

    def __or__(self, other: Value) -> Value:
        return Value(self.own | other.own, self.reach | other.reach)


NOTHING = Value()
"""A value that nobody can change: numbers, text, None."""


def only(label: Label) -> Value:
    """A value that is certainly the one label."""
    return Value(frozenset((label,)), frozenset((label,)))


def union(values: list[Value]) -> Value:
    """Any of the values."""
    own: frozenset[Label] = frozenset().union(*(value.own for value in values))
    reach: frozenset[Label] = frozenset().union(*(value.reach for value in values))
    return Value(own, reach)
