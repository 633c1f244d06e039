"""Promotion as the panel asks for it: what would be written, shown file by file, and the writing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.findings import Finding
from cellmill.lab.analysis import told
from cellmill.lab.bodies import PlanBody, PromotionBody, read_body
from cellmill.lab.pipelines import pipeline_of, promotion_of
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.notebook import read_notebook
from cellmill.notebook.steps import Steps
from cellmill.promote import Plan, PromotionRefused, make_plan, merge_plan, write_plan
from cellmill.promote.changes import changes_of
from cellmill.promote.merge import Merge, MergedFile, in_words
from cellmill.promote.names import check_name
from cellmill.promote.plan import examine
from cellmill.promote.write import files_to_write

# What a file's two texts may hold for a comparison in the browser.
_LONGEST_TEXT = 2_000_000


def plan_promotion(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST promotion/plan``."""
    said = read_body(PlanBody, body)
    notebook, folder = _places(root, said)
    examined = examine(read_notebook(notebook), folder)
    steps, findings = examined.steps, examined.findings
    answer = {
        "pipeline": folder.name,
        "folder": root.told(folder),
        "files": [],
        "edited": [],
        "kept": [],
        "conflicts": [],
        "changes": [],
        "exists": folder.exists(),
        "foreign": False,
        "findings": [told(one, steps) for one in findings],
        "ready": not any(one.severity == "error" for one in findings),
    }
    if not answer["ready"]:
        return answer
    plan = make_plan(notebook, name=folder.name, into=folder.parent)
    merge = merge_plan(plan)
    written = {*files_to_write(plan, merge), *merge.removed}
    files = [_file(one, written) for one in merge.files]
    return answer | {
        "files": files,
        "edited": [one["path"] for one in files if one["state"] in ("merged", "conflict")],
        "kept": merge.paths("kept"),
        "conflicts": _conflicts(folder, merge),
        "changes": [{"about": one.about, "text": one.text} for one in changes_of(plan, merge)],
        "foreign": _is_foreign(plan),
    }


def promote(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST promotion``."""
    said = read_body(PromotionBody, body)
    notebook, folder = _places(root, said)
    try:
        plan = make_plan(notebook, name=folder.name, into=folder.parent)
        foreign = _is_foreign(plan)
        overwrite = said.force or said.edits == "overwrite"
        written = write_plan(plan, force=overwrite, edits=said.edits)
    except PromotionRefused as refused:
        if refused.findings:
            steps = examine(read_notebook(notebook), folder).steps
            raise Refused(409, str(refused), reason="not-ready", findings=_all_told(refused.findings, steps)) from None
        if not refused.conflicts:
            raise Refused(409, str(refused), reason="taken" if foreign else "edited") from None
        merge = merge_plan(plan)
        raise Refused(
            409, str(refused), reason="edited", diff=refused.preview, conflicts=_conflicts(folder, merge)
        ) from None
    return {
        "pipeline": plan.name,
        "folder": root.told(plan.folder),
        "changed": list(written.changed),
        "removed": list(written.removed),
        "merged": list(written.merged),
        "kept": list(written.kept),
        "orphans": list(written.orphans),
        "lost": list(written.lost),
        "decided": [*(text for _, text in written.marked), *written.decided],
        "findings": _all_told(plan.findings, plan.steps),
    }


def _all_told(findings: Sequence[Finding], steps: Steps) -> list[dict[str, Any]]:
    return [told(one, steps) for one in findings]


def _places(root: Root, said: PlanBody) -> tuple[Path, Path]:
    """The notebook and the pipeline's folder, both inside the root."""
    notebook = root.inside(said.path)
    if not notebook.is_file():
        raise Refused(404, f"{said.path[:200]}: there is no such notebook; save it first.")
    try:
        name = check_name(said.name) if said.name else str(pipeline_of(root, notebook)["name"])
    except CellmillError as error:
        raise Refused(400, f"name: {error}") from None
    folder = root.project(notebook.parent) / "pipelines" / name
    root.check(folder.resolve(), field="name")
    return notebook, folder


def _is_foreign(plan: Plan) -> bool:
    """Whether the folder is somebody else's: another notebook's, or no promotion's."""
    if not plan.folder.exists():
        return False
    last = promotion_of(plan.folder)
    if not last:
        return not plan.folder.is_dir() or any(plan.folder.iterdir())
    return bool(last.get("notebook") != json.loads(plan.files[".promotion.json"])["notebook"])


def _conflicts(folder: Path, merge: Merge) -> list[dict[str, Any]]:
    return [
        {
            "path": one.file,
            "cell": one.cell,
            "cell_id": one.cell_id,
            "first_line": one.first,
            "last_line": one.last,
            "message": told_conflict,
        }
        for one, told_conflict in zip(merge.conflicts, in_words(folder, merge.conflicts), strict=True)
    ]


def _file(one: MergedFile, written: set[str]) -> dict[str, Any]:
    """A file with its texts where they differ: as it is, as the notebook has it, and what becomes of both."""
    state = "same" if one.state in ("new", "changed") and one.path not in written else one.state
    texts: tuple[str | None, ...] = (None, None, None)
    if state != "same":
        texts = (_text(one.before), _text(one.generated), one.preview or _text(one.after))
    return {"path": one.path, "state": state, "before": texts[0], "after": texts[1], "merged": texts[2]}


def _text(content: bytes | None) -> str | None:
    return content[:_LONGEST_TEXT].decode("utf-8", errors="replace") if content is not None else None
