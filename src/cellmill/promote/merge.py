"""The three-way merge of a pipeline folder: what the engineers edited, and what the notebook now promotes to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from cellmill.errors import shown
from cellmill.promote import provenance
from cellmill.promote.base import FILE as BASE_FILE
from cellmill.promote.base import can_merge, digest, read_base
from cellmill.promote.merge_lines import Piece, clashes, merge_lines
from cellmill.promote.merge_script import Dispute, Side, Sides, chosen, mark_lines, merge_scripts, the_edits, with_marks
from cellmill.promote.merge_syntax import what_is_wrong
from cellmill.promote.plan import SEEDED, Plan
from cellmill.promote.script_cells import Script, Segment, cell_ids, cell_of, read_script

# What to do with edits: join them with the notebook's changes and stop where that can't be; there keep them; there
# leave both with git's marks; or lose all of them.
Edits = Literal["merge", "keep", "mark", "overwrite"]
State = Literal["same", "new", "changed", "removed", "merged", "kept", "conflict", "overwritten"]


@dataclass(frozen=True)
class Conflict:
    """Where an edit and the notebook can't both be right.

    ``first`` and ``last`` are lines of the file as it is in the folder, None if it is about the whole file; ``cell`` is
    the cell's number in the notebook. ``marked`` is one that is written with git's marks: ``first`` is then the line of
    its first mark in the file as it will be.
    """

    file: str
    why: str
    cell: int | None = None
    cell_id: str | None = None
    first: int | None = None
    last: int | None = None
    marked: bool = False

    def __str__(self) -> str:
        where = [self.file]
        if self.cell is not None:
            where.append(f"cell {self.cell}")
        if self.first is not None:
            where.append(f"line {self.first}" if self.last in (self.first, None) else f"lines {self.first}-{self.last}")
        return f"{', '.join(where)}: {self.why}"


@dataclass(frozen=True)
class MergedFile:
    """What becomes of one file.

    Attributes
    ----------
    path
        Where it will be in the folder.
    state
        ``kept`` is a file that was edited and that the notebook did not touch; ``merged`` holds both sides' changes.
    before, generated, after
        Its content in the folder, as the notebook promotes it, and as it will be; None for no file.
    preview
        The text with git's marks where there are conflicts.
    was
        Its path in the folder until now.
    decided
        Conflicts that do not stand in the way, since the user has said what to do with them.
    lost
        Whether what somebody did to the file by hand is thrown away.
    """

    path: str
    state: State
    before: bytes | None
    generated: bytes | None
    after: bytes | None
    conflicts: tuple[Conflict, ...] = ()
    preview: str | None = None
    was: str = ""
    decided: tuple[Conflict, ...] = ()
    lost: bool = False

    @property
    def orphan(self) -> bool:
        """Whether it stays for its edits only: the notebook has nothing for it any more, and no run uses it."""
        return self.generated is None and self.after is not None


@dataclass(frozen=True)
class Merge:
    """What promotion would make of a folder.

    ``content`` is what will be in it of promotion's files, by path; ``base`` the texts of the last promotion.
    """

    files: tuple[MergedFile, ...]
    content: dict[str, bytes]
    base: dict[str, str]

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Of all files; empty if the merge can be written."""
        return tuple(conflict for one in self.files for conflict in one.conflicts)

    @property
    def decided(self) -> tuple[Conflict, ...]:
        """Conflicts of all files that were left to what the user said."""
        return tuple(conflict for one in self.files for conflict in one.decided)

    @property
    def lost(self) -> list[str]:
        """Paths of files of which edits made by hand are thrown away."""
        return [one.was or one.path for one in self.files if one.lost]

    @property
    def changed(self) -> list[str]:
        """Paths of files that are new or would differ."""
        before = {one.path: one.before for one in self.files}
        return [name for name, content in self.content.items() if before.get(name) != content]

    @property
    def removed(self) -> list[str]:
        """Paths of files that are there and will not be."""
        gone = [one.path for one in self.files if one.after is None and one.before is not None]
        moved = [one.was for one in self.files if one.was != one.path and one.before is not None]
        return sorted({name for name in (*gone, *moved) if name not in self.content})

    def paths(self, *states: State) -> list[str]:
        """Paths of the files in one of these states."""
        return [one.path for one in self.files if one.state in states]


def last_promotion(folder: Path) -> dict[str, Any] | None:
    """The folder's .promotion.json, or None if it has none that can be read."""
    return read_json(folder / provenance.FILE) or None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def merge_plan(
    plan: Plan,
    edits: Edits = "merge",
    *,
    instead: Mapping[str, bytes] | None = None,
    overwritten: Collection[str] = (),
) -> Merge:
    """Merge a plan with the folder that it would be written to.

    Parameters
    ----------
    plan
        What the notebook promotes to.
    edits
        What to do with what was edited in the folder since the last promotion.
    instead
        Files to take as if they stood in the folder with this content.
    overwritten
        Files in which the notebook wins, whatever ``edits`` says of the others.
    """
    return FolderSides(plan, edits, instead or {}, overwritten).merge()


class FolderSides:
    """A folder's three sides: as promotion left it, as it is, and as a plan has it."""

    def __init__(
        self, plan: Plan, edits: Edits, instead: Mapping[str, bytes], overwritten: Collection[str] = ()
    ) -> None:
        self.plan, self.edits, self.instead, self.overwritten = plan, edits, instead, frozenset(overwritten)
        self.last = last_promotion(plan.folder) or {}
        self.hashes: dict[str, str] = _strings(self.last.get("files"))
        self.base = read_base(plan.folder, self.last)
        self.stamped = [name for name in plan.files if name not in (provenance.FILE, BASE_FILE)]
        self.numbers = {
            cell_id: entry.get("number")
            for content in (self.last, json.loads(plan.files[provenance.FILE]))
            for cell_id, entry in content.get("cells", {}).items()
        }

    def merge(self) -> Merge:
        """Decide what becomes of each file."""
        base_of, disk_of = self._renamed_by_the_notebook, self.renamed_by_hand
        files = []
        for name in self.stamped:
            was = base_of.get(name, name)
            files.append(self._file(name, was, disk_of.get(was, was)))
        followed = {base_of.get(name, name) for name in self.stamped}
        files += [self._obsolete(name, disk_of.get(name, name)) for name in self.hashes if name not in followed]
        there = [
            one for one in files if one.before is not None or one.after is not None or one.state in ("kept", "conflict")
        ]
        files = self._without_doubles(there)
        content = {one.path: one.after for one in files if one.after is not None}
        own = {BASE_FILE: self.plan.files[BASE_FILE], provenance.FILE: self._provenance(content)}
        for name, made in own.items():
            before = self.read(name)
            state: State = "same" if before == made else "new" if before is None else "changed"
            files.append(MergedFile(name, state, before, made, made, was=name))
            content[name] = made
        files = [replace(one, before=self._on_disk(one.was)) if one.was in self.instead else one for one in files]
        files.sort(key=lambda one: one.path)
        return Merge(tuple(files), dict(sorted(content.items())), self.base)

    def read(self, name: str) -> bytes | None:
        """A file as it stands in the folder, or as it is taken to stand there."""
        return self.instead[name] if name in self.instead else self._on_disk(name)

    def _on_disk(self, name: str) -> bytes | None:
        path = self.plan.folder / name
        try:
            return path.read_bytes() if path.is_file() else None
        except OSError:
            return None

    def _file(self, name: str, was: str, disk: str) -> MergedFile:
        """One file of the plan: ``was`` its path at the last promotion, ``disk`` where it is now."""
        generated, before = self.plan.files[name], self.read(disk)
        # A name that the engineer chose stays, unless the notebook has one of its own.
        path = disk if was == name else name
        made = MergedFile(path, "changed", before, generated, generated, was=disk)
        if name in SEEDED:
            return replace(made, state="new" if before is None else "same", after=before or generated)
        if before == generated:
            return replace(made, state="same" if path == disk else "changed")
        if self._loses(disk):
            # A deleted file that comes back is an edit that goes, too.
            lost = before is None if was in self.hashes else before is not None
            lost = lost or (before is not None and digest(before) != self.hashes.get(was))
            path = name if self.edits == "overwrite" else path
            state: State = "new" if before is None else "overwritten" if lost else "changed"
            return replace(made, path=path, state=state, lost=lost)
        if was not in self.hashes:
            if before is None:
                carried = has_cells(name) and self._carries(_text(generated), was, self.sides.edited)
                return self._merged(made, was) if carried else replace(made, state="new")
            return self._undecided(made, "the file was made by hand, and promotion would write one of this name")
        unchanged = digest(generated) == self.hashes[was]
        if before is None:
            if unchanged:
                return replace(made, state="kept", after=None)
            return self._undecided(made, "the file was deleted, and the notebook has changed it")
        if digest(before) == self.hashes[was] and not self._carries(_text(generated), was, self.sides.edited):
            return made
        if was != name and disk != was:
            return self._undecided(made, f"the file was renamed to {disk}, and the step in the notebook to {name}")
        if unchanged and not self._carries(_text(before), was, self.sides.generated):
            return replace(made, state="kept", after=before)
        return self._merged(made, was)

    def _carries(self, text: str, was: str, other: Side) -> bool:
        """Whether a file has cells that came from another file, and that the other side has changed there."""
        if not has_cells(was):
            return False
        for cell_id in cell_ids(text):
            base = self.sides.base.cells.get(cell_id)
            theirs = other.cells.get(cell_id)
            if base is not None and base.file != was and (theirs is None or theirs.said != base.said):
                return True
        return False

    def _loses(self, disk: str) -> bool:
        """Whether the edits of a file go."""
        return self.edits == "overwrite" or disk in self.overwritten

    def _obsolete(self, name: str, disk: str) -> MergedFile:
        """A file of the last promotion that the plan has no more."""
        before = self.read(disk)
        made = MergedFile(disk, "removed", before, None, None, was=disk)
        if before is None or digest(before) == self.hashes[name]:
            return made
        if self._loses(disk):
            return replace(made, lost=True)
        if not has_cells(name) or name not in self.base:
            return self._undecided(made, "the file was edited, and the notebook no longer has what it is made of")
        merged = self._merged(made, name)
        # Without the cells that load and save it would be half a task; what the edits are can be read in the whole one.
        gone = Conflict(disk, "the file was edited, and the notebook no longer has what it is made of")
        return replace(merged, state="kept", after=before, decided=(gone,)) if merged.decided else merged

    def _undecided(self, made: MergedFile, why: str) -> MergedFile:
        """A conflict about a whole file: it stays as it is, in the folder as in the preview."""
        made = replace(made, path=made.was, after=made.before)
        if self.edits == "merge":
            return replace(made, state="conflict", conflicts=(Conflict(made.was, why),))
        return replace(made, state="kept", decided=(Conflict(made.was, why),))

    def _merged(self, made: MergedFile, was: str) -> MergedFile:
        known = was in self.base or was not in self.hashes
        if not known or not can_merge(made.path) or not _is_text(made.before):
            return self._undecided(made, "the file was edited, the notebook has changed it, and it can't be merged")
        base, before, generated = self.base.get(was, ""), _text(made.before), _text(made.generated)
        pieces: tuple[Piece, ...]
        if has_cells(was):
            merged = merge_scripts(
                read_script(base, was), read_script(before, made.was), read_script(generated, made.path), self.sides
            )
            pieces, conflicts = merged.pieces, [self._conflict(made, one) for one in merged.disputes]
        else:
            pieces = tuple(merge_lines(*(_lines(text) for text in (base, before, generated))))
            conflicts = [
                Conflict(
                    made.was,
                    "both sides changed the same lines",
                    first=one.start + 1,
                    last=one.start + max(len(one.edited), 1),
                    marked=self.edits == "mark",
                )
                for one in clashes(pieces)
            ]
        after = chosen(pieces, with_marks if self.edits == "mark" else the_edits).encode() or None
        whole = not conflicts or self.edits == "keep"
        if whole and after is not None and (wrong := what_is_wrong(made.path, after.decode(), before)):
            return self._undecided(made, f"the edits and the notebook's changes do not fit together ({wrong})")
        made = replace(made, after=after, preview=chosen(pieces, with_marks))
        if conflicts and self.edits == "merge":
            return replace(made, state="conflict", conflicts=tuple(conflicts))
        if self.edits == "mark":
            at = iter(mark_lines(pieces))
            conflicts = [
                replace(one, file=made.path, first=next(at), last=None) if one.marked else one for one in conflicts
            ]
        made = replace(made, decided=tuple(conflicts))
        return replace(made, state="kept" if after == made.before else "merged" if after else "removed")

    def _conflict(self, made: MergedFile, dispute: Dispute) -> Conflict:
        cell = cell_of(dispute.key)
        file = dispute.file or made.was
        marked = self.edits == "mark" and dispute.clash
        return Conflict(file, dispute.why, self.numbers.get(cell or ""), cell, dispute.first, dispute.last, marked)

    def _without_doubles(self, files: list[MergedFile]) -> list[MergedFile]:
        """A cell that both sides moved, each to another file, would run twice."""
        if self.edits == "overwrite":
            return files
        owners: dict[str, list[str]] = {}
        for one in files:
            if one.after is not None and has_cells(one.path):
                for cell in cell_ids(one.after.decode(errors="replace")):
                    owners.setdefault(cell, []).append(one.path)
        found = []
        for one in files:
            doubles = [cell for cell, paths in owners.items() if len(paths) > 1 and paths[-1] == one.path]
            conflicts = tuple(
                Conflict(
                    one.was,
                    f"the cell would stand in {' and in '.join(dict.fromkeys(owners[cell]))}",
                    self.numbers.get(cell),
                    cell,
                )
                for cell in doubles
                if one.before is None or one.after != one.before
            )
            if conflicts and self.edits == "merge":
                one = replace(one, state="conflict", conflicts=(*one.conflicts, *conflicts))
            elif conflicts:
                one = replace(one, decided=(*one.decided, *conflicts))
            found.append(one)
        return found

    @cached_property
    def sides(self) -> Sides:
        """The cells of all files, of each side."""
        disk_of = self.renamed_by_hand
        base = (read_script(text, name) for name, text in self.base.items() if has_cells(name))
        edited = (
            read_script(_text(content), disk_of.get(name, name))
            for name in self.hashes
            if has_cells(name) and (content := self._edited(name, disk_of.get(name, name))) is not None
        )
        generated = (read_script(_text(self.plan.files[name]), name) for name in self.stamped if has_cells(name))
        return Sides(_side(base), _side(edited), _side(generated))

    def _edited(self, name: str, disk: str) -> bytes | None:
        """A file as the folder has it; without its edits if those are to go."""
        return self.base[name].encode() if disk in self.overwritten and name in self.base else self.read(disk)

    @cached_property
    def _renamed_by_the_notebook(self) -> dict[str, str]:
        """For task files of renamed steps: from the new path to that of the last promotion."""
        gone = {name: set(ids) for name, ids in self._cells_then.items() if name not in self.plan.files}
        new = {
            name: cell_ids(_text(self.plan.files[name]))
            for name in self.stamped
            if _is_task(name) and name not in self.hashes
        }
        return {name: was for name, ids in new.items() if (was := most_alike(ids, gone))}

    @cached_property
    def renamed_by_hand(self) -> dict[str, str]:
        """For task files that somebody renamed: from the path of the last promotion to that in the folder."""
        if self.edits == "overwrite":
            return {}
        gone = {name: set(ids) for name, ids in self._cells_then.items() if self.read(name) is None}
        found: dict[str, str] = {}
        if gone:
            for path in sorted((self.plan.folder / "tasks").glob("*.py")):
                name = f"tasks/{path.name}"
                if name not in self.hashes and name not in self.plan.files:
                    was = most_alike(cell_ids(_text(self.read(name))), gone)
                    if was:
                        found[was] = name
        return found

    @cached_property
    def _cells_then(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for cell_id, entry in self.last.get("cells", {}).items():
            # The task's name, not the file: that may be one that an engineer chose.
            if entry.get("task"):
                found.setdefault(f"tasks/{entry['task']}.py", []).append(cell_id)
        return {name: ids for name, ids in found.items() if name in self.hashes}

    def _provenance(self, content: Mapping[str, bytes]) -> bytes:
        """.promotion.json with the lines that the cells have in the merged files."""
        made = json.loads(self.plan.files[provenance.FILE])
        for name in self.stamped:
            if not has_cells(name) or content.get(name) == self.plan.files[name]:
                continue
            of_file = [cell_id for cell_id, entry in made["cells"].items() if entry["file"] == name]
            where = self.renamed_by_hand.get(name, name)
            script = read_script(_text(content.get(where)), where)
            for cell_id in of_file:
                segment = script.cell(cell_id)
                if segment is None:
                    del made["cells"][cell_id]
                else:
                    made["cells"][cell_id] |= {"file": where, "line": segment.start}
        return provenance.as_bytes(made)


def most_alike(ids: Iterable[str], gone: Mapping[str, set[str]]) -> str | None:
    """The name that has most of these ids, if that is more than half of its own."""
    ids = set(ids)
    best = max(gone, key=lambda name: len(gone[name] & ids), default=None)
    return best if best is not None and 2 * len(gone[best] & ids) > len(gone[best]) else None


def in_words(folder: Path, conflicts: Iterable[Conflict]) -> list[str]:
    """Each conflict in one sentence, with the file as the user would type it."""
    return [str(replace(one, file=shown(folder / one.file))) for one in conflicts]


def has_cells(name: str) -> bool:
    """Whether a file of a pipeline holds cells of the notebook."""
    return _is_task(name) or (name.endswith("_shared.py") and "/" not in name)


def _is_task(name: str) -> bool:
    return name.startswith("tasks/") and name.endswith(".py")


def _side(scripts: Iterable[Script]) -> Side:
    cells: dict[str, Segment] = {}
    for script in scripts:
        for key in script.anchors:
            if cell := cell_of(key):
                cells.setdefault(cell, script.segments[key])
    return Side(cells)


def _is_text(content: bytes | None) -> bool:
    try:
        return (content or b"").decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _text(content: bytes | None) -> str:
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n") if content is not None else ""


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _strings(value: object) -> dict[str, str]:
    return {str(name): str(one) for name, one in value.items()} if isinstance(value, dict) else {}
