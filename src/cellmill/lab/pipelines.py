"""The pipelines of the workspace as the panel lists them, read from their folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.lab.projects import find_projects
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.notebook import read_notebook
from cellmill.notebook.cells import Notebook
from cellmill.promote import last_promotion
from cellmill.promote.certificate import standing
from cellmill.promote.names import pipeline_name
from cellmill.promote.provenance import source_digest
from cellmill.run.folder import accepted_parameters
from cellmill.run.settings import Settings, read_settings, read_yaml

_LONGEST_TITLE = 200
# Bytes; what is longer was not written by a hand-over.
_LONGEST_MANIFEST = 1_000_000


def list_pipelines(root: Root, _body: bytes, _query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET pipelines``, but for their last runs."""
    return {"pipelines": [_told(root, folder) for folder in find_projects(root).pipelines]}


def show_pipeline(root: Root, _body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``GET pipelines/FOLDER``, but for its last run."""
    folder = find_pipeline(root, query["folder"], field="folder")
    promotion = promotion_of(folder)
    told = _told(root, folder)
    settings = _settings(folder)
    edges = [
        {
            "provider": str(edge.get("provider")),
            "consumer": str(edge.get("consumer")),
            "variables": [str(name) for name in _list(edge.get("variables"))],
            "order": edge.get("order") is True,
            "reasons": [],
            "evidence": str(edge.get("evidence", "static")),
        }
        for edge in map(_mapping, _list(promotion.get("edges")))
    ]
    cells = {
        str(cell_id): {key: _mapping(entry).get(key) for key in ("task", "file", "line", "number")}
        for cell_id, entry in _mapping(promotion.get("cells")).items()
    }
    return {**told, "edges": edges, "cells": cells, "step_details": _steps(told["tasks"], promotion, edges, settings)}


def find_pipeline(root: Root, text: str, *, field: str = "pipeline") -> Path:
    """The pipeline's folder that a request names.

    Raises
    ------
    Refused
        If there is none.
    """
    folder = root.inside(text, field=field)
    if not (folder / "pipeline.yaml").is_file():
        raise Refused(404, f"{text[:200]}: there is no pipeline in this folder; promote a notebook to make one.")
    return folder


def pipeline_of(root: Root, notebook: Path, edited: Notebook | None = None) -> dict[str, Any]:
    """What a notebook was promoted to, or would be; current if what the editor holds was promoted."""
    pipelines = root.project(notebook.parent) / "pipelines"
    name = pipeline_name(notebook.stem)
    for folder in (pipelines / name, *sorted(found.parent for found in pipelines.glob("*/.promotion.json"))):
        promotion = promotion_of(folder)
        if promotion and source_of(folder, promotion) == notebook:
            return {
                "name": folder.name,
                "folder": root.told(folder),
                "exists": True,
                "promoted_sha256": str(promotion.get("notebook_sha256")),
                "current": _is_current(notebook, promotion)
                if edited is None
                else source_digest(edited) == promotion.get("source_sha256"),
                "verified": standing(folder, edited).as_dict(),
            }
    folder = pipelines / name
    exists = (folder / "pipeline.yaml").exists()
    return {
        "name": name,
        "folder": root.told(folder),
        "exists": exists,
        "promoted_sha256": None,
        "current": False if exists else None,
        "verified": None,
    }


def saved_types(folder: Path, step: str) -> Mapping[str, str]:
    """The types of what a step handed over in its last run, by variable; empty if it has not run."""
    manifest = folder / "output" / step / "variables.json"
    try:
        facts = manifest.stat()
        return _read_types(manifest, facts.st_mtime_ns, facts.st_size) if facts.st_size <= _LONGEST_MANIFEST else {}
    except (OSError, ValueError):
        return {}


@lru_cache(maxsize=256)
def _read_types(manifest: Path, _changed: int, _size: int) -> Mapping[str, str]:
    variables = _mapping(_mapping(json.loads(manifest.read_text(encoding="utf-8"))).get("variables"))
    return {name: str(_mapping(facts)["type"])[:200] for name, facts in variables.items() if "type" in _mapping(facts)}


def promotion_of(folder: Path) -> dict[str, Any]:
    """What promotion wrote down about the folder; empty if it wrote nothing."""
    try:
        changed = (folder / ".promotion.json").stat().st_mtime_ns
    except OSError:
        return {}
    return _read_promotion(folder, changed)


@lru_cache(maxsize=256)
def _read_promotion(folder: Path, _changed: int) -> dict[str, Any]:
    return last_promotion(folder) or {}


def source_of(folder: Path, promotion: Mapping[str, Any]) -> Path | None:
    """The notebook that a pipeline was promoted from."""
    text = promotion.get("notebook")
    try:
        return (folder / text).resolve() if isinstance(text, str) and text else None
    except (OSError, ValueError, RuntimeError):
        return None


def _told(root: Root, folder: Path) -> dict[str, Any]:
    promotion = promotion_of(folder)
    notebook = source_of(folder, promotion)
    inside = notebook is not None and root.told(notebook) is not None
    problem: str | None = None
    tasks: list[str] = []
    parameters: list[dict[str, Any]] = []
    try:
        spec = read_yaml(folder / "pipeline.yaml")
        tasks = [str(task.get("name")) for task in map(_mapping, _list(spec.get("tasks"))) if task.get("name")]
        for name, declared in accepted_parameters(folder).items():
            parameters.append({"name": name, **declared.model_dump(exclude_defaults=True), "type": declared.type})
            parameters[-1].setdefault("default", declared.default)
    except CellmillError as error:
        problem = str(error)
    return {
        "name": folder.name,
        "folder": root.told(folder),
        "notebook": root.told(notebook),
        "title": _title(folder) or folder.name,
        "steps": len(tasks),
        "tasks": tasks,
        "parameters": parameters,
        "profiles": sorted(found.name.split(".")[1] for found in folder.glob("env.*.yaml")),
        "current": _is_current(notebook, promotion) if inside and notebook and notebook.is_file() else None,
        "verified": standing(folder).as_dict(),
        "last_run": None,
        "problem": problem,
    }


def _steps(
    tasks: list[str], promotion: Mapping[str, Any], edges: list[dict[str, Any]], settings: Settings
) -> list[dict[str, Any]]:
    cells = [(str(cell_id), _mapping(entry)) for cell_id, entry in _mapping(promotion.get("cells")).items()]
    steps = []
    for name in tasks:
        own = settings.steps.get(name)
        steps.append(
            {
                "name": name,
                "cells": [one for one, entry in cells if entry.get("task") == name and not entry.get("check")],
                "checks": [one for one, entry in cells if entry.get("task") == name and entry.get("check")],
                "upstream": [edge["provider"] for edge in edges if edge["consumer"] == name],
                "retries": own.retries if own else None,
                "timeout": own.timeout if own else None,
            }
        )
    return steps


def _settings(folder: Path) -> Settings:
    try:
        return read_settings(folder)
    except CellmillError:  # the listing says so
        return Settings()


def _is_current(notebook: Path, promotion: Mapping[str, Any]) -> bool:
    try:
        facts = notebook.stat()
        return _digest(notebook, facts.st_mtime_ns, facts.st_size) == promotion.get("source_sha256")
    except (OSError, CellmillError):
        return False


@lru_cache(maxsize=256)
def _digest(path: Path, _changed: int, _size: int) -> str:
    return source_digest(read_notebook(path))


def _title(folder: Path) -> str | None:
    """The sentence below the README's heading, which promotion takes from the notebook's first heading."""
    try:
        with (folder / "README.md").open(encoding="utf-8") as file:
            lines = [line.strip() for line in file.read(4096).split("\n")[:4]]
    except (OSError, UnicodeDecodeError):
        return None
    second = lines[2] if len(lines) > 2 else ""
    generated = second.startswith("A Ploomber pipeline of ")
    return second.rstrip(".")[:_LONGEST_TITLE] if second and not generated else None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
