"""Merges two sides of a task file (or of the shared module) cell by cell, by the cells' ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cellmill.promote.merge_lines import Clash, Piece, clashes, merge_lines, merge_value
from cellmill.promote.script_cells import HEAD, TAIL, Key, Script, Segment, above, cell_of


@dataclass(frozen=True)
class Dispute:
    """What can't be joined: the cell or part of the file, and the lines of the file as it is now (from 1).

    ``clash`` is one of lines; the others are about order and tags, and have no lines that could be marked.
    """

    key: Key
    file: str
    first: int
    last: int
    why: str
    clash: bool = False


@dataclass(frozen=True)
class Side:
    """One side's cells in all files, for those that moved from one file to another."""

    cells: Mapping[str, Segment]

    def cell(self, key: Key) -> Segment | None:
        """The cell that a key means, in whatever file it is."""
        found = cell_of(key)
        return self.cells.get(found) if found else None


@dataclass(frozen=True)
class Sides:
    """All three of them."""

    base: Side
    edited: Side
    generated: Side


@dataclass(frozen=True)
class MergedScript:
    """Lines and clashes in order, and what the clashes are about."""

    pieces: tuple[Piece, ...]
    disputes: tuple[Dispute, ...]


def merge_scripts(base: Script, edited: Script, generated: Script, sides: Sides) -> MergedScript:
    """Merge a file.

    Parameters
    ----------
    base
        As the last promotion wrote it.
    edited
        As it stands in the folder.
    generated
        As promotion would write it now.
    sides
        The cells of all files.
    """
    return _Merging(base, edited, generated, sides).merge()


class _Merging:
    """The work on one file: which segments, in which order, with which content."""

    def __init__(self, base: Script, edited: Script, generated: Script, sides: Sides) -> None:
        self.base, self.edited, self.generated, self.sides = base, edited, generated, sides
        self.disputes: list[Dispute] = []

    def merge(self) -> MergedScript:
        order = self._order()
        parts = [self._part(HEAD)]
        for key in order:
            parts += [self._part(above(key), near=key), self._part(key)]
        parts.append(self._part(TAIL))
        return MergedScript(tuple(_joined([one for one in parts if one is not None])), tuple(self.disputes))

    def _order(self) -> list[Key]:
        base, edited, generated = self.base.anchors, self.edited.anchors, self.generated.anchors
        for key in base:
            # What one side deleted and the other changed stays until somebody decides.
            if key not in generated and key in edited and self._touched(key, self.edited, self.sides.generated):
                generated = _put_back(key, generated, edited)
            elif key not in edited and key in generated and self._touched(key, self.generated, self.sides.edited):
                edited = _put_back(key, edited, generated)
        order: list[Key] = []
        for piece in merge_lines(base, edited, generated):
            if isinstance(piece, Clash):
                order += self._settled(piece)
            else:
                order.append(piece)
        return list(dict.fromkeys(order))

    def _touched(self, key: Key, side: Script, other: Side) -> bool:
        """Whether a segment differs from the base; a cell that the other side only moved takes its change along."""
        before = self.base.before(key).lines != side.before(key).lines
        if other.cell(key) is not None:
            return before
        return before or self.base.segments[key].said != side.segments[key].said

    def _settled(self, clash: Clash) -> list[Key]:
        """The order where both sides changed it: none is lost, and it is a dispute unless one side only deleted."""
        deleted = [key for key in clash.base if key not in clash.edited]
        kept = [key for key in clash.generated if key not in deleted]
        if all(key in clash.base for key in clash.edited) and [key for key in kept if key in clash.base] == [
            key for key in clash.edited if key in clash.generated
        ]:
            return kept
        together = [*clash.edited, *(key for key in kept if key not in clash.edited)]
        added = next((key for key in together if key not in clash.base), together[0] if together else HEAD)
        self._dispute(added, self.edited.segments.get(added), "both sides changed which cells stand here")
        return together

    def _part(self, key: Key, near: Key | None = None) -> tuple[Segment, list[Piece]] | None:
        base, edited, generated = (self._find(side, script, key) for side, script in self._both())
        if edited is None and generated is None:
            return None
        empty = Segment(key)
        sides = [one or empty for one in (base, edited, generated)]
        # A cell that one side does not have is disputed whole, with its mark.
        whole = near is None and (edited is None or generated is None)
        lines = merge_lines(*(one.whole if whole else one.lines for one in sides))
        if near is not None and self._crowded(near, sides[1]):
            lines = [Clash((), sides[1].lines, sides[2].lines)]
        for clash in clashes(lines):
            self._dispute(key, edited, self._reason(key, edited, generated), clash)
        mark = None if whole else merge_value(*(one.mark for one in sides))
        if isinstance(mark, Clash) and not clashes(lines):
            self._dispute(key, edited, "both sides changed the cell's tags")
        if mark is not None:
            lines.insert(0, mark)
        return replace(edited or generated or empty, blanks=_blanks(base, edited, generated)), lines

    def _both(self) -> list[tuple[Side, Script]]:
        return [
            (self.sides.base, self.base),
            (self.sides.edited, self.edited),
            (self.sides.generated, self.generated),
        ]

    @staticmethod
    def _find(side: Side, script: Script, key: Key) -> Segment | None:
        return script.segments.get(key) or side.cell(key)

    def _crowded(self, key: Key, edited: Segment) -> bool:
        """Whether both sides put something new above the same cell: nobody said in which order."""
        lines, was = edited.lines, self.base.before(key).lines
        if lines == was or lines == self.generated.before(key).lines or key not in self.base.segments:
            return False
        anchors = self.generated.anchors
        if key not in anchors or not anchors.index(key):
            return False
        previous = anchors[anchors.index(key) - 1]
        return previous not in self.base.segments and previous not in self.edited.segments

    @staticmethod
    def _reason(key: Key, edited: Segment | None, generated: Segment | None) -> str:
        if cell_of(key) and generated is None:
            return "the notebook no longer has this cell here, and it was edited"
        if generated is None:
            return "the notebook no longer has what these lines are for, and they were edited"
        if cell_of(key) and edited is None:
            return "the cell was removed here, and the notebook has changed it"
        return "both sides changed the same lines"

    def _dispute(self, key: Key, edited: Segment | None, why: str, clash: Clash | None = None) -> None:
        first = (edited.start if edited else 1) + (clash.start if clash else 0)
        last = first + max(len(clash.edited) if clash else 1, 1) - 1
        self.disputes.append(Dispute(key, edited.file if edited else "", first, last, why, clash is not None))


def _blanks(base: Segment | None, edited: Segment | None, generated: Segment | None) -> int:
    if edited is None or (base is not None and edited.blanks == base.blanks and generated is not None):
        return generated.blanks if generated else 1
    return edited.blanks


def _put_back(key: Key, side: list[Key], other: list[Key]) -> list[Key]:
    """The side with the key again, after what stands before it on the other side."""
    for previous in reversed(other[: other.index(key)]):
        if previous in side:
            at = side.index(previous) + 1
            return [*side[:at], key, *side[at:]]
    return [key, *side]


def _joined(parts: list[tuple[Segment, list[Piece]]]) -> list[Piece]:
    """All lines, with the blank ones between cells; none at the end."""
    filled = [part for part in parts if part[1]]
    pieces: list[Piece] = []
    for number, (segment, lines) in enumerate(filled, start=1):
        pieces += lines
        if number < len(filled):
            pieces += [""] * segment.blanks
    return pieces


Chooser = Callable[[Clash], list[str]]


def chosen(pieces: tuple[Piece, ...], choose: Chooser) -> str:
    """The text, with each clash decided."""
    lines: list[str] = []
    for piece in pieces:
        lines += choose(piece) if isinstance(piece, Clash) else [piece]
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join([*lines, ""]) if lines else ""


def mark_lines(pieces: tuple[Piece, ...]) -> list[int]:
    """The line (from 1) at which the marks of each clash begin in the text that `chosen` makes `with_marks`."""
    found, line = [], 1
    for piece in pieces:
        if isinstance(piece, Clash):
            found.append(line)
        line += len(with_marks(piece)) if isinstance(piece, Clash) else 1
    return found


def the_edits(clash: Clash) -> list[str]:
    """Decide for what stands in the pipeline."""
    return list(clash.edited)


def with_marks(clash: Clash) -> list[str]:
    """Leave the decision to the reader, in git's way."""
    return [
        "<<<<<<< the pipeline as it was edited",
        *clash.edited,
        "=======",
        *clash.generated,
        ">>>>>>> the notebook",
    ]
