"""What a name may stand for: sets of labels, one for each place in the code that makes an object.

A points-to analysis in the style of Andersen (1994), flow-sensitive along the notebook and path-insensitive:
two names may be one object if their ``own`` labels meet; changing an object through one name may be seen through
another if the label changed is in the other's ``reach``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Label = str

_NONE: frozenset[Label] = frozenset()

FactKind = Literal["object", "display", "frame", "instance", "iterator", "resource", "closure", "import", "unknown"]


class Fact(NamedTuple):
    """What is known of the objects behind a label.

    ``detail`` is, by kind: the dotted name of the maker (``instance``, ``import``), what it is in words (``resource``).
    """

    kind: FactKind
    detail: str = ""
    step: str = ""
    cell: int = 0
    line: int = 0


# Not frozen, which would triple the cost of what the analysis makes most; nobody changes one.
@dataclass(slots=True, unsafe_hash=True)
class Value:
    """The labels that a name may refer to (``own``) and those that can be reached from there (``reach``)."""

    own: frozenset[Label] = _NONE
    reach: frozenset[Label] = _NONE
    code: tuple[Label, ...] | None = field(default=None, init=False, compare=False, repr=False)
    """Kept for `Program.code_in`, which works it out."""

    def __or__(self, other: Value) -> Value:
        if not other.reach:
            return self
        return Value(self.own | other.own, self.reach | other.reach) if self.reach else other


NOTHING = Value()
"""A value that nobody can change: numbers, text, None."""


def only(label: Label) -> Value:
    """A value that is certainly the one label."""
    return Value(frozenset((label,)), frozenset((label,)))


def union(values: list[Value]) -> Value:
    """Any of the values."""
    held = [value for value in values if value.reach]
    if len(held) < 2:
        return held[0] if held else NOTHING
    return Value(_NONE.union(*[value.own for value in held]), _NONE.union(*[value.reach for value in held]))
