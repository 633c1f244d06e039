"""Three-way merge of lists: what both sides changed since the base, and where they can't both be right.

Changes that touch (no common line between them) are a conflict, as in git: two halves of one thought are not joined.
nbdime's list merge joins those without a word, and merge3's licence is not ours; the differences are difflib's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Clash:
    """Where the sides differ from the base and from each other.

    ``edited`` are the items that stand in the pipeline now, ``generated`` those that promotion would write; ``start``
    is the index in the edited side at which the clash begins.
    """

    base: tuple[str, ...]
    edited: tuple[str, ...]
    generated: tuple[str, ...]
    start: int = 0


Piece = str | Clash


def merge_lines(base: Sequence[str], edited: Sequence[str], generated: Sequence[str]) -> list[Piece]:
    """Merge two sides that come from one base.

    Parameters
    ----------
    base
        Lines (or other items) as they were.
    edited, generated
        The two sides.

    Returns
    -------
    list
        Items in order; a `Clash` where the sides can't be joined.

    Examples
    --------
    >>> merge_lines(["a", "b", "c"], ["A", "b", "c"], ["a", "b", "c", "d"])
    ['A', 'b', 'c', 'd']
    >>> merge_lines(["a"], ["b"], ["c"])
    [Clash(base=('a',), edited=('b',), generated=('c',), start=0)]
    """
    pieces: list[Piece] = []
    at_base = at_edited = at_generated = 0
    for common, from_base, from_edited, from_generated in _common_to_all(base, edited, generated):
        pieces += _between(
            tuple(base[at_base:from_base]),
            tuple(edited[at_edited:from_edited]),
            tuple(generated[at_generated:from_generated]),
            at_edited,
        )
        pieces += base[from_base : from_base + common]
        at_base, at_edited, at_generated = from_base + common, from_edited + common, from_generated + common
    return pieces


def merge_value(base: str | None, edited: str | None, generated: str | None) -> str | Clash | None:
    """Merge one value; None where a side has none."""
    if edited in (base, generated):
        return generated
    if generated == base:
        return edited
    before, ours, theirs = ((one,) if one is not None else () for one in (base, edited, generated))
    return Clash(before, ours, theirs)


def clashes(pieces: Iterable[Piece]) -> list[Clash]:
    """Only the clashes."""
    return [one for one in pieces if isinstance(one, Clash)]


def _common_to_all(
    base: Sequence[str], edited: Sequence[str], generated: Sequence[str]
) -> list[tuple[int, int, int, int]]:
    """Runs of items that all three have: length, and where they begin in each; an empty one at the end."""
    ours, theirs = _equal_runs(base, edited), _equal_runs(base, generated)
    found = []
    left = right = 0
    while left < len(ours) and right < len(theirs):
        base_one, edited_one, length_one = ours[left]
        base_two, generated_two, length_two = theirs[right]
        start, end = max(base_one, base_two), min(base_one + length_one, base_two + length_two)
        if start < end:
            found.append((end - start, start, edited_one + start - base_one, generated_two + start - base_two))
        if base_one + length_one < base_two + length_two:
            left += 1
        else:
            right += 1
    return [*found, (0, len(base), len(edited), len(generated))]


def _equal_runs(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, int]]:
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return [(block.a, block.b, block.size) for block in blocks if block.size]


def _between(base: tuple[str, ...], edited: tuple[str, ...], generated: tuple[str, ...], start: int) -> list[Piece]:
    if edited in (base, generated):
        return list(generated)
    if generated == base:
        return list(edited)
    # What both sides say alike at the edges is no matter of dispute.
    before = 0
    shortest = min(len(edited), len(generated))
    while before < shortest and edited[before] == generated[before]:
        before += 1
    after = 0
    while after < shortest - before and edited[-1 - after] == generated[-1 - after]:
        after += 1
    clash = Clash(
        base,
        edited[before : len(edited) - after],
        generated[before : len(generated) - after],
        start + before,
    )
    return [*edited[:before], clash, *(edited[len(edited) - after :] if after else ())]
