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
from cellmill.promote import Plan, PromotionRefused, edited_files, make_plan, write_plan
from cellmill.promote.names import check_name
from cellmill.promote.plan import SEEDED, examine
from cellmill.promote.write import changed_files

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
        "exists": folder.exists(),
        "foreign": False,
        "findings": [told(one, steps) for one in findings],
        "ready": not any(one.severity == "error" for one in findings),
    }
    if not answer["ready"]:
        return answer
    plan = make_plan(notebook, name=folder.name, into=folder.parent)
    edited = set(edited_files(folder))
    files = [_file(plan, name, state) for name, state in _states(plan, edited).items()]
    return answer | {
        "files": files,
        "edited": [one["path"] for one in files if one["state"] == "edited"],
        "foreign": _is_foreign(plan),
    }


def promote(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST promotion``."""
    said = read_body(PromotionBody, body)
    notebook, folder = _places(root, said)
    try:
        plan = make_plan(notebook, name=folder.name, into=folder.parent)
        foreign = _is_foreign(plan)
        written = write_plan(plan, force=said.force)
    except PromotionRefused as refused:
        if refused.findings:
            steps = examine(read_notebook(notebook), folder).steps
            raise Refused(409, str(refused), reason="not-ready", findings=_all_told(refused.findings, steps)) from None
        reason = "edited" if refused.lost or not foreign else "taken"
        details = {"diff": refused.lost} if refused.lost else {}
        raise Refused(409, str(refused), reason=reason, **details) from None
    return {
        "pipeline": plan.name,
        "folder": root.told(plan.folder),
        "changed": list(written.changed),
        "removed": list(written.removed),
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


def _states(plan: Plan, edited: set[str]) -> dict[str, str]:
    """What would become of each file."""
    changed = set(changed_files(plan))
    states: dict[str, str] = {}
    for name in sorted(plan.files):
        there = (plan.folder / name).exists()
        if name not in changed or (name in SEEDED and there):
            states[name] = "same"
        elif not there:
            states[name] = "new"
        else:
            states[name] = "edited" if name in edited else "changed"
    for name in promotion_of(plan.folder).get("files", {}):
        if name not in plan.files and (plan.folder / name).exists():
            states[name] = "edited" if name in edited else "removed"
    return states


def _file(plan: Plan, name: str, state: str) -> dict[str, Any]:
    """A file of the plan; with both texts where they differ."""
    before = after = None
    if state != "same":
        after = plan.files[name].decode("utf-8", errors="replace") if name in plan.files else None
    if state in ("changed", "edited", "removed"):
        try:
            before = (plan.folder / name).read_bytes()[:_LONGEST_TEXT].decode("utf-8", errors="replace")
        except OSError:
            before = None
    return {"path": name, "state": state, "before": before, "after": after}
