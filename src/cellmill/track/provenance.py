"""Which code made a run: the commit, the notebook's hash, and the versions installed."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ALWAYS = ("cellmill", "ploomber", "papermill", "nbclient", "ipykernel", "mlflow")


@dataclass(frozen=True)
class Commit:
    """What git says about a folder; ``dirty`` if a tracked file differs from the commit."""

    commit: str
    branch: str
    dirty: bool


@dataclass(frozen=True)
class Pipeline:
    """What a pipeline folder says about itself and about where it came from.

    Attributes
    ----------
    name
        The pipeline's name.
    folder
        Its folder.
    experiment
        The MLflow experiment its runs belong to.
    notebook
        The source notebook; None if the folder names none.
    promotion
        ``.promotion.json``; empty for a folder that was written by hand.
    """

    name: str
    folder: Path
    experiment: str
    notebook: Path | None = None
    promotion: dict[str, Any] = field(default_factory=dict)


def read_pipeline(folder: Path) -> Pipeline:
    """Read ``cellmill.yaml`` and ``.promotion.json``."""
    from cellmill.run.settings import read_settings

    settings = read_settings(folder)
    promotion = _read_promotion(folder / ".promotion.json")
    name = str(promotion.get("pipeline") or folder.resolve().name)
    relative = settings.notebook or promotion.get("notebook")
    notebook = (folder / relative).resolve() if relative else None
    return Pipeline(name, folder, settings.experiment or name, notebook, promotion)


def provenance_tags(pipeline: Pipeline) -> dict[str, str]:
    """Say where the pipeline came from, how far it is proven and what it runs on, as tags of a run."""
    from cellmill.promote.certificate import standing

    promotion = pipeline.promotion
    tags = {
        "cellmill.notebook": promotion.get("notebook"),
        "cellmill.notebook_sha256": promotion.get("notebook_sha256"),
        "cellmill.promoted.git_commit": promotion.get("git_commit"),
        "cellmill.promoted.git_dirty": promotion.get("git_dirty"),
        "cellmill.verified": standing(pipeline.folder).state if promotion else None,
    }
    if pipeline.notebook is not None and pipeline.notebook.is_file():
        digest = sha256(pipeline.notebook)
        promoted = promotion.get("notebook_sha256")
        tags["cellmill.notebook_sha256"] = promoted or digest
        tags["cellmill.notebook_changed"] = digest != promoted if promoted else None
    if commit := git_commit(pipeline.folder):
        tags["mlflow.source.git.commit"] = commit.commit
        tags["mlflow.source.git.branch"] = commit.branch
        tags["cellmill.git_dirty"] = commit.dirty
    promoted_with = promotion.get("versions") or {}
    tags |= {f"version.{name}": found for name, found in versions(promoted_with).items()}
    return {name: _text(value) for name, value in tags.items() if value is not None}


def git_commit(folder: Path) -> Commit | None:
    """Ask git about a folder; None without git, outside of a repository, or before its first commit."""
    head = _git(folder, "rev-parse", "HEAD")
    if head is None:
        return None
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD") or ""
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return Commit(head, branch, bool(changed))


def versions(names: Iterable[str] = ()) -> dict[str, str]:
    """Give the versions installed now, of Python, of cellmill's own parts and of ``names``."""
    found = {"python": platform.python_version()}
    for name in sorted({*ALWAYS, *names} - {"python"}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def sha256(path: Path) -> str:
    """Hash a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_promotion(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
