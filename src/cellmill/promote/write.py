"""Writes a plan: the whole folder at once, joined with what engineers edited, and never over it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.errors import shown
from cellmill.files import unwritable
from cellmill.promote import provenance
from cellmill.promote.base import FILE as BASE_FILE
from cellmill.promote.base import digest
from cellmill.promote.marks import REMEDY, marked_conflicts
from cellmill.promote.merge import Edits, Merge, MergedFile, in_words, last_promotion, merge_plan, read_json
from cellmill.promote.plan import SEEDED, Plan, PromotionRefused
from cellmill.promote.replace import clean_up, replace_folder

# Recorded at promotion, but no reason to promote again.
RECORDED = ("requirements.lock", provenance.FILE, BASE_FILE)
_REMEDY = (
    "take the edit into the notebook and promote again, or promote with --keep-edits (the edits win there), "
    "--overwrite-file FILE (the notebook wins in that file), --overwrite (it wins everywhere) or "
    "--conflicts mark (both are written, with git's marks)"
)


@dataclass(frozen=True)
class Written:
    """What `write_plan` did.

    ``changed`` lists the files that are new or differ, empty if all was current; ``merged`` those of them that hold
    both sides' changes, and ``kept`` files that were edited by hand and stay as they are. ``decided`` are conflicts
    that were left to what the user said, a sentence each, ``marked`` those that are written with git's marks, each with
    its file; ``lost`` lists files of which edits made by hand were thrown away, ``orphans`` those that were edited and
    stay, though the notebook has nothing for them now.
    """

    folder: Path
    changed: tuple[str, ...]
    removed: tuple[str, ...] = ()
    created: bool = False
    merged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    marked: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()


def write_plan(
    plan: Plan, *, force: bool = False, edits: Edits = "merge", overwritten: Collection[str] = ()
) -> Written:
    """Write the pipeline folder: beside its place first, then in one move.

    What was edited by hand since the last promotion is merged with what the notebook changed.

    Parameters
    ----------
    plan
        What to write.
    force
        Overwrite files that were edited by hand since the last promotion, and a folder of another notebook.
    edits
        What to do where an edit and the notebook's change can't be joined: refuse (``merge``), ``keep`` the edit,
        ``mark`` both; or ``overwrite`` all edits.
    overwritten
        Files of the folder in which the notebook wins, whatever ``edits`` says of the others.

    Raises
    ------
    PromotionRefused
        If edits and the notebook's changes are in conflict, if conflicts stand marked from the last time, or if the
        folder is not a promotion of this notebook.
    CellmillError
        If the folder can't be written; what was there is untouched.
    """
    clean_up(plan.folder)
    if plan.folder.exists() and not force:
        refuse_foreign(plan)
    edits = "overwrite" if force else edits
    merge = merge_plan(plan, edits, overwritten=overwritten)
    if edits != "overwrite":
        _refuse_marks(plan, overwritten)
    if merge.conflicts:
        raise _refusal(plan, merge)
    return write_merge(plan, merge)


def write_merge(plan: Plan, merge: Merge) -> Written:
    """Write a merge that has been decided."""
    orphans = tuple(one.path for one in merge.files if one.orphan and one.state == "kept")
    decided = [conflict for one in merge.files if one.path not in orphans for conflict in one.decided]
    marked = [one for one in decided if one.marked]
    changed = files_to_write(plan, merge)
    written = Written(
        plan.folder,
        tuple(changed),
        tuple(merge.removed),
        created=not plan.folder.exists(),
        merged=tuple(merge.paths("merged")),
        kept=tuple(path for path in merge.paths("kept") if path not in orphans),
        decided=tuple(in_words(plan.folder, (one for one in decided if not one.marked))),
        marked=tuple((one.file, told) for one, told in zip(marked, in_words(plan.folder, marked), strict=True)),
        lost=tuple(merge.lost),
        orphans=orphans,
    )
    if not changed and not merge.removed:
        return written
    try:
        with _folder_for_pipelines(plan.folder.parent):
            _replace_folder(plan, merge)
    except OSError as error:
        raise unwritable(plan.folder, error) from error
    return written


def diff_plan(plan: Plan, edits: Edits = "merge") -> str:
    """Unified diff from what is on disk to what would be written; empty if promotion would change nothing.

    Conflicts are shown with git's marks.
    """
    return diff_merge(merge_plan(plan, edits))


def diff_merge(merge: Merge) -> str:
    """The same for a merge."""
    return _diff(one for one in merge.files if one.path not in RECORDED)


def _diff(files: Iterable[MergedFile]) -> str:
    parts: list[str] = []
    for one in files:
        old, new = _text(one.before), _shown_after(one)
        if old == new and one.was == one.path:
            continue
        parts += difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            (new or "").splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{one.was}",
            "/dev/null" if new is None else f"b/{one.path}",
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in parts)


def _shown_after(one: MergedFile) -> str | None:
    if one.state != "conflict":
        return _text(one.after)
    return one.preview if one.preview is not None else _text(one.generated)


def changed_files(plan: Plan) -> list[str]:
    """Files that are missing or would differ; what is only recorded counts when something else differs too."""
    return files_to_write(plan, merge_plan(plan))


def files_to_write(plan: Plan, merge: Merge) -> list[str]:
    """Files that a merge would write; none if all that differs is only recorded."""
    if merge.removed or any(name not in RECORDED for name in merge.changed):
        return merge.changed
    there = all((plan.folder / name).exists() for name in (provenance.FILE, BASE_FILE))
    if there and _lasting(read_json(plan.folder / provenance.FILE)) == _lasting(
        json.loads(merge.content[provenance.FILE])
    ):
        return []
    return merge.changed


def edited_files(folder: Path) -> list[str]:
    """Files of the last promotion that were changed or deleted since."""
    last = last_promotion(folder)
    if last is None:
        return []
    edited = []
    for name, hashed in last.get("files", {}).items():
        path = folder / name
        if not path.is_file() or digest(path.read_bytes()) != hashed:
            edited.append(name)
    return edited


def _lasting(content: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in content.items() if name not in provenance.VOLATILE}
    # What shows an edge may be another on a machine where the notebook was not observed; the edge is the same.
    kept["edges"] = [{**edge, "evidence": None} for edge in kept.get("edges", [])]
    kept["files"] = {name: value for name, value in kept.get("files", {}).items() if name not in RECORDED}
    # Edits move lines; that alone is no reason to promote.
    kept["cells"] = {
        cell: {name: value for name, value in entry.items() if name not in ("line", "file")}
        for cell, entry in kept.get("cells", {}).items()
    }
    return kept


def refuse_foreign(plan: Plan) -> None:
    """Refuse a folder that is not a promotion of this notebook."""
    last = last_promotion(plan.folder)
    if last is None:
        if not plan.folder.is_dir() or any(plan.folder.iterdir()):
            raise PromotionRefused(
                f"{shown(plan.folder)} exists and was not made by promotion",
                notebook=plan.steps.notebook.path,
                remedy="choose another name with --name, or overwrite it with --force",
            )
        return
    ours = json.loads(plan.files[provenance.FILE])["notebook"]
    if last.get("notebook") != ours:
        raise PromotionRefused(
            f"pipeline {plan.name} was promoted from {last.get('notebook')}, not from this notebook",
            notebook=plan.steps.notebook.path,
            remedy="choose another name with --name, or overwrite it with --force",
        )


def _refuse_marks(plan: Plan, overwritten: Collection[str]) -> None:
    """Marks that stand there would be taken for an edit, and be merged into more of them."""
    left = [one for one in marked_conflicts(plan.folder) if one.file not in overwritten]
    if left:
        told = "; ".join(f"{shown(plan.folder / one.file)}, line {one.line}" for one in left)
        raise PromotionRefused(
            f"conflicts are marked and not decided in {told}",
            notebook=plan.steps.notebook.path,
            remedy=f"{REMEDY}, then promote again",
        )


def _refusal(plan: Plan, merge: Merge) -> PromotionRefused:
    conflicts = in_words(plan.folder, merge.conflicts)
    more = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    disputed = [one for one in merge.files if one.state == "conflict"]
    return PromotionRefused(
        f"edits made since the last promotion conflict with the notebook: {conflicts[0]}{more}",
        conflicts=tuple(conflicts),
        preview=_diff(disputed),
        notebook=plan.steps.notebook.path,
        remedy=_REMEDY,
    )


@contextmanager
def _folder_for_pipelines(folder: Path) -> Iterator[None]:
    """Make the folder for the block; what was made goes again if the block fails."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for one in missing:
            with suppress(OSError):
                one.rmdir()
        raise


def _replace_folder(plan: Plan, merge: Merge) -> None:
    # What engineers made, or made of it, keeps its time and mode.
    theirs = [one for one in merge.files if one.state == "kept" or one.path in SEEDED]
    stays = {one.path for one in theirs if one.after == one.before and one.was == one.path}
    files = {name: content for name, content in merge.content.items() if name not in stays}
    own = {*merge.removed, *plan.files, *(last_promotion(plan.folder) or {}).get("files", ())}
    replace_folder(plan.folder, files, own=own - stays)


def _text(content: bytes | None) -> str | None:
    return content.decode("utf-8", errors="replace") if content is not None else None
