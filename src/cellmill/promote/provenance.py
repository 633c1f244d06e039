"""Where a pipeline came from: notebook, commit, versions, and which source cell is where in its files."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from cellmill import __version__
from cellmill.dataflow import Dataflow
from cellmill.notebook.cells import Notebook
from cellmill.notebook.steps import Steps

FILE = ".promotion.json"
VOLATILE = ("git_commit", "git_dirty", "versions", "observed")
_VERSIONED = (
    "ploomber",
    "papermill",
    "mlflow",
    "nbval",
    "jupytext",
    "ipykernel",
    "cloudpickle",
    "pandas",
    "numpy",
    "scikit-learn",
)


def provenance(
    pipeline: str,
    steps: Steps,
    dataflow: Dataflow,
    cells: dict[str, dict[str, Any]],
    files: dict[str, bytes],
    source: str,
) -> dict[str, Any]:
    """The content of .promotion.json."""
    commit, dirty = git_state(steps.notebook.path)
    return {
        "format": 1,
        "pipeline": pipeline,
        "notebook": source,
        "notebook_sha256": steps.notebook.sha256,
        "source_sha256": source_digest(steps.notebook),
        "steps": [str(flow.name) for flow in dataflow.steps],
        "edges": [
            {
                "provider": str(one.provider),
                "consumer": str(one.consumer),
                "variables": list(one.variables),
                "states": list(one.states),
                "order": one.order,
                "evidence": one.evidence,
            }
            for one in dataflow.edges
        ],
        "observed": dataflow.observed,
        "file_inputs": list(dataflow.file_inputs),
        "cells": cells,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "git_commit": commit,
        "git_dirty": dirty,
        "versions": versions(),
    }


def source_digest(notebook: Notebook) -> str:
    """A hash of the code that an author writes, cells with their tags, and not of prose nor of what running leaves."""
    written = [[cell.source, sorted(cell.tags)] for cell in notebook.cells if cell.kind == "code"]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def as_bytes(content: dict[str, Any]) -> bytes:
    """One way to write it, so that equal content is equal bytes."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def git_state(notebook: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out and whether the notebook differs from it; None outside git."""
    commit = _git(notebook.parent, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    changed = _git(notebook.parent, "status", "--porcelain", "--", notebook.name)
    return commit, bool(changed)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def versions() -> dict[str, str]:
    """Versions of Python, cellmill and what runs the pipeline."""
    found = {"cellmill": __version__, "python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in _VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
