"""Brings what engineers edited in a pipeline's tasks back into the cells of its notebook."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, unified_diff
from pathlib import Path

from cellmill.errors import CellmillError, shown
from cellmill.files import write_bytes
from cellmill.notebook import read_notebook
from cellmill.notebook.cell_writer import NewCell, with_cells
from cellmill.notebook.cells import Cell, CellId, Notebook
from cellmill.notebook.read import notebook_of_bytes
from cellmill.notebook.steps import TaggedCell
from cellmill.promote.base import digest
from cellmill.promote.marks import refuse_marks
from cellmill.promote.merge import FolderSides, Merge, has_cells, last_promotion, merge_plan
from cellmill.promote.merge_lines import clashes, merge_lines
from cellmill.promote.plan import Plan, PromotionRefused, plan_notebook
from cellmill.promote.script_cells import (
    HEAD,
    TAIL,
    Key,
    Script,
    Segment,
    above,
    cell_of,
    is_mark,
    read_script,
)
from cellmill.promote.shared import shared_bodies
from cellmill.promote.write import RECORDED, edited_files, write_merge


class SyncRefused(CellmillError):
    """The edits can't be brought back."""


@dataclass(frozen=True)
class SyncedCell:
    """A cell of the notebook that takes an edit; ``before`` is None for a new one."""

    id: CellId
    file: str
    number: int
    before: str | None
    after: str


@dataclass(frozen=True)
class Sync:
    """What syncing would do.

    Attributes
    ----------
    notebook
        The source notebook.
    cells
        Its cells that change or are new.
    left_out
        Edits that have no place in the notebook, each in a few words.
    conflicts
        Edits that stay in the pipeline because the notebook's cell has moved on or can't say it: a sentence each.
    disputed
        The files that they are in.
    content
        The file that the notebook becomes.
    plan, merge
        What the notebook then promotes to, and the folder with it.
    """

    folder: Path
    notebook: Path
    cells: tuple[SyncedCell, ...]
    left_out: tuple[str, ...]
    conflicts: tuple[str, ...]
    disputed: tuple[str, ...]
    before: bytes
    content: bytes
    plan: Plan
    merge: Merge | None
    marked: dict[str, bytes] = field(default_factory=dict)

    def diff(self) -> str:
        """The cells' sources as a unified diff."""
        parts: list[str] = []
        for one in self.cells:
            name = f"{shown(self.notebook)} cell {one.number}"
            before = (one.before or "").splitlines()
            start = "/dev/null" if one.before is None else f"a/{name}"
            parts += unified_diff(before, one.after.splitlines(), start, f"b/{name}", lineterm="")
        return "".join(f"{line}\n" for line in parts)


def plan_sync(folder: Path) -> Sync:
    """Decide which edits of a pipeline go into which cells of its notebook; nothing is written.

    An edit of lines that the notebook has changed too stays where it is, and is told; it keeps no other from its cell.

    Parameters
    ----------
    folder
        A pipeline's folder.

    Raises
    ------
    SyncRefused
        If the notebook would not be ready with the edits, or what promotion wrote is not known any more.
    CellmillError
        If the folder is no promotion or holds undecided conflicts, or the notebook can't be read.
    """
    folder = Path(folder).absolute()
    refuse_marks(folder)
    last = last_promotion(folder)
    if last is None or not isinstance(last.get("notebook"), str):
        raise CellmillError(
            "this is no pipeline that was promoted from a notebook",
            notebook=folder,
            remedy="name a folder that cellmill promote has written",
        )
    return _Syncing(folder, (folder / last["notebook"]).resolve()).sync()


def write_sync(sync: Sync) -> None:
    """Write the notebook, and bring the pipeline's record up to it.

    Raises
    ------
    CellmillError
        If the notebook changed meanwhile, or can't be written.
    """
    if sync.content != sync.before:
        if sync.notebook.read_bytes() != sync.before:
            raise CellmillError("the file has changed since it was read", notebook=sync.notebook, remedy="sync again")
        write_bytes(sync.notebook, sync.content)
    if sync.merge is not None:
        write_merge(sync.plan, sync.merge)
        return
    for name, content in sync.marked.items():
        write_bytes(sync.folder / name, content)


@dataclass(frozen=True)
class _Added:
    """A cell that somebody put into a file: its mark's line there (from 0), and the anchors around it."""

    file: str
    at: int
    mark: str
    lines: tuple[str, ...]
    previous: Key | None
    following: Key
    explained: bool


class _Syncing:
    """The work on one pipeline."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder = folder
        self.notebook = read_notebook(path)
        self.content = path.read_bytes()
        self.plan = self._plan(self.notebook)
        self.three = FolderSides(self.plan, "merge", {})
        self.cells: dict[str, Cell] = {str(cell.id): cell for cell in self.notebook.cells}
        self.tagged: dict[str, TaggedCell] = {str(one.cell.id): one for one in self.plan.steps.promoted}
        self.conflicts: list[tuple[str, str]] = []
        self.left_out: list[str] = []
        self.wanted: dict[str, tuple[str, ...]] = {}
        self.files: dict[str, str] = {}
        self.new: list[NewCell] = []
        self.marks: list[tuple[str, int, str]] = []

    def sync(self) -> Sync:
        self._refuse_without_base()
        sources = {CellId(cell_id): source for cell_id, source in self._changed()}
        for file, script in self._scripts():
            self._added(file, script)
            self._outside(file, script)
        self._other_files()
        content = with_cells(self.notebook, self.content, sources, self.new) if sources or self.new else self.content
        notebook = notebook_of_bytes(self.notebook.path, content)
        plan = self._plan_after(notebook)
        marked = self._marked(plan)
        current = all(
            digest(made) == self.three.hashes.get(name, "")
            for name, made in self.plan.files.items()
            if name in self.three.stamped and name not in RECORDED and name in self.three.hashes
        )
        merge = merge_plan(plan, instead=marked) if current and (sources or marked) else None
        return Sync(
            self.folder,
            self.notebook.path,
            self._synced(notebook),
            tuple(self.left_out),
            tuple(told for _, told in self.conflicts),
            tuple(dict.fromkeys(file for file, _ in self.conflicts)),
            self.content,
            content,
            plan,
            merge if merge and not merge.conflicts else None,
            marked,
        )

    def _plan(self, notebook: Notebook) -> Plan:
        return plan_notebook(notebook, name=self.folder.name, into=self.folder.parent)

    def _plan_after(self, notebook: Notebook) -> Plan:
        """What the notebook promotes to with the edits: each cell must become exactly what the engineer wrote."""
        try:
            plan = self._plan(notebook)
        except PromotionRefused as refused:
            raise SyncRefused(
                f"with the edits the notebook is {refused.message}",
                notebook=self.notebook.path,
                cell=refused.cell,
                line=refused.line,
                remedy=f"make the edit in the notebook itself ({refused.remedy})",
            ) from None
        made = FolderSides(plan, "merge", {}).sides.generated.cells
        for cell_id, lines in self.wanted.items():
            if cell_id not in made or made[cell_id].lines != lines:
                raise SyncRefused(
                    f"an edit in {self.files[cell_id]} can't be written in a cell so that promotion gives it back",
                    notebook=self.notebook.path,
                    cell=next((cell.number for cell in notebook.cells if cell.id == cell_id), None),
                    remedy="make it in the notebook",
                )
        return plan

    def _refuse_without_base(self) -> None:
        edited = [name for name in edited_files(self.folder) if has_cells(name) and name not in self.three.base]
        if edited:
            raise SyncRefused(
                f"what promotion wrote in {', '.join(edited)} is not known any more, so the edits can't be told",
                notebook=self.folder,
                remedy="take .promotion.base.json back from git, or make the edits in the notebook",
            )

    def _scripts(self) -> Iterator[tuple[str, Script]]:
        for name in self.three.base:
            where = self.three.renamed_by_hand.get(name, name)
            content = self.three.read(where)
            if has_cells(name) and content is not None:
                yield name, read_script(content.decode("utf-8", errors="replace"), where)

    def _changed(self) -> Iterator[tuple[str, str]]:
        """New sources of cells that were edited."""
        sides = self.three.sides
        for cell_id, base in sides.base.cells.items():
            edited, generated = sides.edited.cells.get(cell_id), sides.generated.cells.get(cell_id)
            if edited is None:
                if generated is not None and self.three.read(base.file) is not None:
                    self.left_out.append(f"cell {self._number(cell_id)} was taken out of {base.file}")
                continue
            if edited.mark != base.mark:
                self.left_out.append(f"{edited.file}, line {edited.start - 1}: the cell's mark")
            if edited.lines == base.lines or (generated is not None and edited.lines == generated.lines):
                continue
            where = f"{shown(self.notebook.path)}, cell {self._number(cell_id)}"
            if generated is None:
                told = f"{edited.file} was edited in a cell that {shown(self.notebook.path)} has no more"
                self.conflicts.append((edited.file, told))
                continue
            merged = merge_lines(base.lines, edited.lines, generated.lines)
            if found := clashes(merged):
                line = edited.start + found[0].start
                told = f"{where} has changed since the promotion where {edited.file}, line {line}, was edited"
                self.conflicts.append((edited.file, told))
                continue
            lines = tuple(str(line) for line in merged)
            source = self._source(cell_id, generated, lines)
            if source is None:
                told = (
                    f"{where} can't say what {edited.file} says: the edit uses {self.plan.name}_handover, "
                    "which only the pipeline has"
                )
                self.conflicts.append((edited.file, told))
                continue
            self.wanted[cell_id], self.files[cell_id] = lines, edited.file
            yield cell_id, source

    def _number(self, cell_id: str) -> int | None:
        return self.cells[cell_id].number if cell_id in self.cells else self.three.numbers.get(cell_id)

    def _source(self, cell_id: str, generated: Segment, lines: tuple[str, ...]) -> str | None:
        """The author's source with a new text: lines that promotion rewrote (magics) stay the author's."""
        shared = generated.file.endswith("_shared.py")
        now = list(generated.lines) if shared else _cell_source(generated.mark or "# %%", generated.lines)
        wanted = list(lines) if shared else _cell_source(generated.mark or "# %%", lines)
        written = self.cells[cell_id].source.replace("\r\n", "\n").split("\n")
        dropped = self._dropped(cell_id, shared=shared)
        theirs = written[dropped : dropped + len(now)]
        result: list[str] = []
        for kind, a, b, c, d in SequenceMatcher(None, now, wanted, autojunk=False).get_opcodes():
            if kind == "equal":
                result += theirs[a:b]
                continue
            result += [line for line in theirs[a:b] if line.lstrip().startswith("%%")]
            if any(f"{self.plan.name}_handover" in line for line in wanted[c:d]):
                return None
            result += wanted[c:d]
        return "\n".join([*written[:dropped], *result, *written[dropped + len(now) :]])

    def _dropped(self, cell_id: str, *, shared: bool) -> int:
        """How many lines of the source stand above what promotion took of it."""
        tagged = self.tagged[cell_id]
        body = shared_bodies((tagged,))[1][0][1] if shared else tagged.body
        lines = body.replace("\r\n", "\n").split("\n")
        return next((at for at, line in enumerate(lines[:-1]) if line.strip()), len(lines) - 1)

    def _added(self, file: str, script: Script) -> None:
        """Cells that somebody put between the notebook's."""
        base = read_script(self.three.base[file], file)
        previous: Key | None = None
        for key in [*script.anchors, TAIL]:
            gap = script.segments.get(TAIL if key == TAIL else above(key))
            was = base.segments.get(TAIL if key == TAIL else above(key))
            if gap is not None:
                for one in _new_chunks(gap, was, previous, key):
                    self._add(one)
                if _lost_chunks(gap, was):
                    self.left_out.append(f"{gap.file}, line {gap.start}: text between cells")
            elif was is not None:
                self.left_out.append(f"{_file_of(script)}: text between cells was removed")
            previous = key

    def _add(self, one: _Added) -> None:
        neighbour = self._neighbour(one)
        kind = "markdown" if "[markdown]" in one.mark else "raw" if "[raw]" in one.mark else "code"
        if neighbour is None or kind != "code":
            self.left_out.append(f"{one.file}, line {one.at + 1}: a cell that has no place in the notebook")
            return
        generated = self.three.sides.generated.cells
        known = self.three.sides.base.cells
        there = next((key for key, seg in generated.items() if key not in known and seg.lines == one.lines), None)
        if there is not None:  # brought back before
            self.marks.append((one.file, one.at, there))
            return
        tagged, before = neighbour
        shared = tagged.role.kind == "shared"
        source = "\n".join(one.lines if shared else _cell_source(one.mark, one.lines))
        cell_id = self._new_id(one, source)
        tag = "shared" if shared else f"step:{tagged.role.name}"
        tags: tuple[str, ...] = (tag,)
        if tag not in tagged.cell.tags:
            first, tags = tagged.cell.source.lstrip().split("\n", 1)[0], ()
            # The neighbour's options hold for the step once.
            source = f"{' '.join(first.split()[:2])}\n{source}"
        beside = (
            self.new[-1].id if self.new and self.new[-1].beside == tagged.cell.id and not before else tagged.cell.id
        )
        self.new.append(NewCell(cell_id, "code", source, tags, beside, before))
        self.wanted[str(cell_id)], self.files[str(cell_id)] = one.lines, one.file
        self.marks.append((one.file, one.at, str(cell_id)))

    def _neighbour(self, one: _Added) -> tuple[TaggedCell, bool] | None:
        """The notebook's cell beside which a new one goes, and whether it goes above it."""
        previous = self.tagged.get(cell_of(one.previous or "") or "")
        following = self.tagged.get(cell_of(one.following) or "")
        if one.following in (HEAD, "part:parameters", "part:inputs"):
            return None
        if following is not None and following.role.kind in ("step", "shared") and (previous is None or one.explained):
            return following, True
        if previous is not None and previous.role.kind in ("step", "shared"):
            return (previous, False) if previous.role.kind == "shared" or one.following != TAIL else None
        return None

    def _new_id(self, one: _Added, source: str) -> CellId:
        taken = {*self.cells, *(str(new.id) for new in self.new)}
        occurrence = 1
        while True:
            made = hashlib.sha256(f"{occurrence}\n{one.file}\n{source}".encode()).hexdigest()[:8]
            if made not in taken:
                return CellId(made)
            occurrence += 1

    def _outside(self, file: str, script: Script) -> None:
        base = read_script(self.three.base[file], file)
        for key, segment in script.segments.items():
            was = base.segments.get(key)
            own = key == HEAD or key.startswith("part:")
            if own and (was is None or was.said != segment.said):
                self.left_out.append(f"{segment.file}, line {segment.start}: lines outside the notebook's cells")

    def _other_files(self) -> None:
        self.left_out += [name for name in edited_files(self.folder) if not has_cells(name) and name not in RECORDED]

    def _marked(self, plan: Plan) -> dict[str, bytes]:
        """Files with the marks of the new cells, as promotion writes them."""
        generated = FolderSides(plan, "merge", {}).sides.generated.cells
        texts: dict[str, list[str]] = {}
        for file, at, cell_id in self.marks:
            content = self.three.read(file) or b""
            lines = texts.setdefault(file, content.decode("utf-8", errors="replace").split("\n"))
            lines[at] = generated[cell_id].mark or lines[at]
        return {file: "\n".join(lines).encode() for file, lines in texts.items()}

    def _synced(self, notebook: Notebook) -> tuple[SyncedCell, ...]:
        return tuple(
            SyncedCell(
                cell.id,
                self.files[str(cell.id)],
                cell.number,
                self.cells[str(cell.id)].source if str(cell.id) in self.cells else None,
                cell.source,
            )
            for cell in notebook.cells
            if str(cell.id) in self.wanted
        )


def _file_of(script: Script) -> str:
    return next((one.file for one in script.segments.values()), "")


def _chunks(segment: Segment | None) -> list[tuple[int, tuple[str, ...]]]:
    """A gap's cells: the line (from 0) of each in the file, and its lines without blank ones at the end."""
    if segment is None:
        return []
    starts = [at for at, line in enumerate(segment.lines) if is_mark(line)]
    if not starts or starts[0]:
        starts.insert(0, 0)
    found = []
    for start, end in zip(starts, [*starts[1:], len(segment.lines)], strict=True):
        lines = list(segment.lines[start:end])
        while lines and not lines[-1].strip():
            lines.pop()
        found.append((segment.start - 1 + start, tuple(lines)))
    return found


def _new_chunks(gap: Segment, was: Segment | None, previous: Key | None, following: Key) -> Iterator[_Added]:
    now, before = _chunks(gap), [lines for _, lines in _chunks(was)]
    explained = False
    for kind, _, _, c, d in SequenceMatcher(None, before, [lines for _, lines in now]).get_opcodes():
        if kind == "equal":
            explained = True
        elif kind in ("insert", "replace"):
            for at, lines in now[c:d]:
                if lines:
                    mark = lines[0] if is_mark(lines[0]) else ""
                    yield _Added(
                        gap.file, at, mark or "# %%", lines[1:] if mark else lines, previous, following, explained
                    )


def _lost_chunks(gap: Segment, was: Segment | None) -> bool:
    now = [lines for _, lines in _chunks(gap)]
    return any(lines not in now for _, lines in _chunks(was))


def _cell_source(mark: str, lines: Sequence[str]) -> list[str]:
    """A cell of a percent script as a notebook has it: jupytext knows how it writes magics."""
    import jupytext

    read = jupytext.reads("\n".join([mark, *lines, ""]), fmt="py:percent")
    return str(read.cells[0].source).split("\n") if len(read.cells) == 1 else list(lines)
