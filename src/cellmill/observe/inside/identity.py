"""Which names share an object that can change: the same object inside both, or arrays that look into one memory."""

from __future__ import annotations

import enum
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from .content import ATOMS, CODE, DEEPEST, PIECES, immutable, is_of, module_of

_ATOMS = frozenset(ATOMS)
# Entries of containers that are looked at, for each object that may be found.
_ENTRIES = 100


class _Memory:
    """Arrays and frames' columns by the memory that they look into."""

    def __init__(self, name: str, array: Any, *, framed: bool) -> None:
        self.name, self.array, self.framed = name, array, framed
        low, high = module_of("numpy").lib.array_utils.byte_bounds(array)
        self.low, self.high = int(low), int(high)

    def shares(self, other: _Memory, *, copied: bool) -> bool:
        """Whether a change of one may be seen in the other."""
        if self.framed and other.framed and copied:
            return False  # pandas copies before it writes
        if self.high <= other.low or other.high <= self.low:
            return False
        numpy: Any = sys.modules["numpy"]
        try:
            return bool(numpy.shares_memory(self.array, other.array, max_work=10_000))
        except Exception:
            return True


class _Union:
    """Names in groups that grow together."""

    def __init__(self, names: Iterable[str]) -> None:
        self.parent = {name: name for name in names}

    def root(self, name: str) -> str:
        while self.parent[name] != name:
            name = self.parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        self.parent[self.root(one)] = self.root(other)

    def groups(self) -> list[list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.parent:
            found.setdefault(self.root(name), []).append(name)
        return sorted(sorted(one) for one in found.values() if len(one) > 1)


def groups(
    namespace: dict[str, Any], names: Iterable[str], most: int = PIECES, deadline: float | None = None
) -> list[list[str]]:
    """Names whose objects are, or share, one object that can change, as sorted lists of two or more."""
    holder: dict[int, str] = {}
    union = _Union(names)
    memory: list[_Memory] = []
    keep: list[Any] = []
    for name in union.parent:
        for piece in _pieces(namespace[name], most):
            if piece is namespace:
                continue
            keep.append(piece)  # ids stay true while the object lives
            union.join(name, holder.setdefault(id(piece), name))
            memory += _memory_of(name, piece)
            if deadline is not None and time.perf_counter() > deadline:
                return []
    _join_by_memory(memory, union)
    return union.groups()


def _join_by_memory(memory: list[_Memory], union: _Union) -> None:
    copied = _copies_on_write()
    memory.sort(key=lambda one: one.low)
    for at, one in enumerate(memory):
        for other in memory[at + 1 : at + 200]:
            if other.low >= one.high:
                break
            if union.root(one.name) != union.root(other.name) and one.shares(other, copied=copied):
                union.join(other.name, one.name)


def _copies_on_write() -> bool:
    pandas = module_of("pandas")
    return pandas is not None and int(str(getattr(pandas, "__version__", "0")).split(".")[0]) >= 3


def _pieces(value: Any, most: int) -> Iterator[Any]:
    """The objects that can change and can be reached from the value, itself first."""
    waiting, seen = [(one, 0) for one in _no_atoms([value], most)], set[int]()
    while waiting and len(seen) < most:
        one, depth = waiting.pop()
        kind = type(one)
        if isinstance(one, (*CODE, enum.Enum)) or id(one) in seen:
            continue
        seen.add(id(one))
        if kind not in (tuple, frozenset) and not immutable(one):
            yield one
        if depth < DEEPEST:
            waiting += [(inner, depth + 1) for inner in _no_atoms(_inside(one), most)]


def _no_atoms(values: Collection[Any], most: int) -> list[Any]:
    """Most containers hold nothing but numbers and texts, and some hold millions of them."""
    return [one for one in islice(values, _ENTRIES * most) if type(one) not in _ATOMS]


def _inside(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if is_of(value, "numpy", "ndarray"):
        return [value.base] if value.base is not None else []
    if type(value).__module__.startswith("pandas."):
        return []
    own = getattr(value, "__dict__", None)
    return own.values() if isinstance(own, dict) else []


def _memory_of(name: str, piece: Any) -> list[_Memory]:
    arrays: list[Any] = []
    framed = not is_of(piece, "numpy", "ndarray")
    if not framed:
        arrays = [piece]
    elif is_of(piece, "pandas", "DataFrame"):
        arrays = [getattr(block, "values", None) for block in piece._mgr.blocks]
    elif is_of(piece, "pandas", "Series"):
        arrays = [piece._values]
    try:
        return [_Memory(name, one, framed=framed) for one in arrays if is_of(one, "numpy", "ndarray") and one.size]
    except Exception:
        return []
