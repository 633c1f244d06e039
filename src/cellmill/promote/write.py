"""Writes a plan: the whole folder at once, and never over somebody's edits."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.errors import shown
from cellmill.files import unwritable
from cellmill.promote import provenance
from cellmill.promote.plan import SEEDED, Plan, PromotionRefused
from cellmill.promote.replace import clean_up, replace_folder

# Recorded at promotion, but no reason to promote again.
_RECORDED = ("requirements.lock", provenance.FILE)


@dataclass(frozen=True)
class Written:
    """What `write_plan` did: ``changed`` lists the files that are new or differ; empty if all was current."""

    folder: Path
    changed: tuple[str, ...]
    removed: tuple[str, ...] = ()
    created: bool = False


def write_plan(plan: Plan, *, force: bool = False) -> Written:
    """Write the pipeline folder: beside its place first, then in one move.

    Parameters
    ----------
    plan
        What to write.
    force
        Overwrite files that were edited by hand since the last promotion, and a folder of another notebook.

    Raises
    ------
    PromotionRefused
        If files were edited by hand, or the folder is not a promotion of this notebook, and ``force`` is off.
    CellmillError
        If the folder can't be written; what was there is untouched.
    """
    clean_up(plan.folder)
    last = last_promotion(plan.folder)
    changed = changed_files(plan)
    removed = tuple(_obsolete(plan, last))
    if plan.folder.exists() and not force:
        _refuse_foreign(plan, last)
        _refuse_edited(plan, {*changed, *removed})
    if not changed and not removed:
        return Written(plan.folder, ())
    created = not plan.folder.exists()
    try:
        with _folder_for_pipelines(plan.folder.parent):
            _replace_folder(plan, last)
    except OSError as error:
        raise unwritable(plan.folder, error) from error
    return Written(plan.folder, tuple(changed), removed, created)


def diff_plan(plan: Plan) -> str:
    """Unified diff from what is on disk to the plan; empty if promotion would change nothing."""
    names = [*changed_files(plan), *_obsolete(plan, last_promotion(plan.folder))]
    return _diff(plan, [name for name in names if name not in _RECORDED])


def _diff(plan: Plan, names: Iterable[str]) -> str:
    parts: list[str] = []
    for name in names:
        old = _text(plan.folder / name)
        new = plan.files[name].decode() if name in plan.files else ""
        parts += difflib.unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            f"a/{name}" if old else "/dev/null",
            f"b/{name}" if name in plan.files else "/dev/null",
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in parts)


def changed_files(plan: Plan) -> list[str]:
    """Files that are missing or differ; what is only recorded counts when something else differs too."""
    differing = []
    for name, content in plan.files.items():
        path = plan.folder / name
        if name in SEEDED and path.exists():
            continue
        if not path.is_file() or path.read_bytes() != content:
            differing.append(name)
    only_recorded = all(name in _RECORDED for name in differing) and (plan.folder / provenance.FILE).exists()
    if only_recorded and _lasting(_json(plan.folder / provenance.FILE)) == _lasting(
        json.loads(plan.files[provenance.FILE])
    ):
        return []
    return differing


def edited_files(folder: Path) -> list[str]:
    """Files of the last promotion that were changed or deleted since."""
    last = last_promotion(folder)
    if last is None:
        return []
    edited = []
    for name, digest in last.get("files", {}).items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            edited.append(name)
    return edited


def last_promotion(folder: Path) -> dict[str, Any] | None:
    """The folder's .promotion.json, or None if it has none that can be read."""
    content = _json(folder / provenance.FILE)
    return content or None


def _lasting(content: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in content.items() if name not in provenance.VOLATILE}
    # What shows an edge may be another on a machine where the notebook was not observed; the edge is the same.
    kept["edges"] = [{**edge, "evidence": None} for edge in kept.get("edges", [])]
    kept["files"] = {name: value for name, value in kept.get("files", {}).items() if name not in _RECORDED}
    return kept


def _refuse_foreign(plan: Plan, last: dict[str, Any] | None) -> None:
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


def _refuse_edited(plan: Plan, touched: Collection[str]) -> None:
    edited = [name for name in edited_files(plan.folder) if name in touched]
    if edited:
        raise PromotionRefused(
            f"{', '.join(edited)} in {shown(plan.folder)} changed since the last promotion and would be overwritten",
            lost=_diff(plan, edited),
            notebook=plan.steps.notebook.path,
            remedy="bring the change into the notebook, or lose it with --force (--diff shows all that would change)",
        )


def _obsolete(plan: Plan, last: dict[str, Any] | None) -> list[str]:
    """Files of the last promotion that the plan has no more."""
    known = last.get("files", {}) if last else {}
    return [name for name in known if name not in plan.files and (plan.folder / name).exists()]


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


def _replace_folder(plan: Plan, last: dict[str, Any] | None) -> None:
    theirs = {name for name in SEEDED if (plan.folder / name).exists()}
    files = {name: content for name, content in plan.files.items() if name not in theirs}
    replace_folder(plan.folder, files, own=set(last.get("files", ()) if last else ()) - theirs)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
