"""What the editor's notebook would become: steps, edges, roles, findings with their remedies, parameters."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from cellmill.dataflow import Dataflow, analyse
from cellmill.findings import Finding
from cellmill.lab.bodies import NotebookBody, read_body
from cellmill.lab.fixes import fixes_of
from cellmill.lab.pipelines import pipeline_of, saved_types
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.notebook import propose_tags
from cellmill.notebook.cells import Cell, CellId, Notebook, StepName
from cellmill.notebook.headings import headings_of
from cellmill.notebook.magic_lines import without_magic_line
from cellmill.notebook.read import notebook_of_cells
from cellmill.notebook.roles import read_role
from cellmill.notebook.steps import Role, Step, Steps, TaggedCell
from cellmill.promote.parameters import read_parameters
from cellmill.promote.plan import examine
from cellmill.rules import rule_of
from cellmill.rules.folder import NoOutputs

Query = Mapping[str, str]


def analyse_notebook(root: Root, body: bytes, _: Query) -> dict[str, Any]:
    """Answer ``POST analyse``."""
    began = time.perf_counter()
    said = read_body(NotebookBody, body)
    notebook = _notebook(root, said)
    pipeline = pipeline_of(root, notebook.path, notebook)
    folder = root.inside(pipeline["folder"]) if pipeline["exists"] else None
    examined = examine(notebook, folder)
    steps, dataflow, findings = examined.steps, examined.dataflow, examined.findings
    if not any("execution_count" in cell.model_fields_set for cell in said.cells):
        # The editor did not say what has run.
        findings = tuple(one for one in findings if one.code != NoOutputs.code)
    return {
        "steps": _steps(steps, dataflow),
        "edges": _edges(dataflow, folder),
        "roles": _roles(steps),
        "findings": [told(one, steps) for one in findings],
        "ignored": [told(one, steps) for one in examined.ignored],
        "parameters": [{"name": one.name, **one.as_settings()} for one in read_parameters(steps)],
        "undefined": _undefined(notebook),
        "pipeline": pipeline,
        "ready": not any(one.severity == "error" for one in findings),
        "milliseconds": round((time.perf_counter() - began) * 1000, 1),
    }


def suggest_steps(root: Root, body: bytes, _: Query) -> dict[str, Any]:
    """Answer ``POST suggest``."""
    notebook = _notebook(root, read_body(NotebookBody, body))
    headings: dict[int, str | None] = {}
    last: str | None = None
    for cell in notebook.cells:
        if cell.kind == "markdown":
            last = next((text for _, text in reversed(headings_of(cell.source))), last)
        headings[cell.number] = last
    return {
        "tags": [
            {"cell_id": str(cell.id), "role": tag, "heading": headings[cell.number]}
            for cell, tag in propose_tags(notebook)
        ]
    }


def told(finding: Finding, steps: Steps) -> dict[str, Any]:
    """A finding as answers have it."""
    cell_id = finding.cell_id
    if cell_id is None and finding.cell is not None:
        cell_id = next((str(cell.id) for cell in steps.notebook.cells if cell.number == finding.cell), None)
    finding = replace(finding, cell_id=cell_id)
    rule = rule_of(finding.code)
    return {**finding.as_dict(), "why": rule.text().why if rule else None, "fixes": fixes_of(finding, steps)}


def _notebook(root: Root, said: NotebookBody) -> Notebook:
    cells = [
        {
            "id": cell.id,
            "cell_type": cell.type,
            "source": cell.source,
            "metadata": {"tags": cell.tags},
            "execution_count": cell.execution_count,
        }
        for cell in said.cells
    ]
    path = root.inside(said.path)
    if path.is_dir():
        raise Refused(400, f"{said.path[:200]}: this is a folder; name a notebook.")
    return notebook_of_cells(path, cells, kernel=said.kernel or "python3", language=said.language or "python")


def _steps(steps: Steps, dataflow: Dataflow) -> list[dict[str, Any]]:
    by_name = {step.name: step for step in steps.steps}
    return [
        {
            "name": flow.name,
            "cells": [one.cell.id for one in by_name[flow.name].cells],
            "checks": [one.cell.id for one in by_name[flow.name].checks],
            "inputs": [one.name for one in flow.inputs],
            "outputs": [name for name, _ in flow.outputs],
            "parameters": list(flow.parameters),
            "upstream": list(flow.upstream),
            "retries": by_name[flow.name].options.retries,
            "timeout": by_name[flow.name].options.timeout,
        }
        for flow in dataflow.steps
    ]


def _edges(dataflow: Dataflow, folder: Path | None) -> list[dict[str, Any]]:
    types = {edge.provider: saved_types(folder, str(edge.provider)) if folder else {} for edge in dataflow.edges}
    return [
        {
            "provider": edge.provider,
            "consumer": edge.consumer,
            "variables": list(edge.variables),
            # A run of the pipeline is nearer to it than the notebook that was observed.
            "types": dict(edge.types)
            | {name: types[edge.provider][name] for name in edge.variables if name in types[edge.provider]},
            "order": edge.order,
            "reasons": list(edge.reasons),
            "evidence": edge.evidence,
        }
        for edge in dataflow.edges
    ]


def _roles(steps: Steps) -> dict[str, dict[str, Any]]:
    tagged = [*steps.promoted, *steps.skipped]
    told = {cell.id for cell in steps.untagged} | {one.cell.id for one in tagged}
    # A check of a step that does not exist is in none of the lists, and has its role all the same.
    lone = [read_role(cell)[0] for cell in steps.notebook.cells if cell.kind == "code" and cell.id not in told]
    return {
        str(one.cell.id): {
            "kind": one.role.kind,
            "name": one.role.name,
            "origin": "magic" if without_magic_line(one.cell.source)[0] else "tag",
        }
        for one in (*tagged, *filter(None, lone))
    }


def _undefined(notebook: Notebook) -> list[dict[str, Any]]:
    """Names that some code cell reads and none binds, tagged or not: a kernel has them from a cell that is gone."""
    found = [(cell, _alone(cell.source)) for cell in notebook.cells if cell.kind == "code"]
    bound = frozenset().union(*(names.bound for _, names in found))
    undefined: dict[str, dict[str, Any]] = {}
    for cell, names in found:
        for name, line in names.missing:
            if name not in bound:
                undefined.setdefault(name, {"name": name, "cell_id": str(cell.id), "line": line})
        if names.any_may_follow:
            break
    return list(undefined.values())


@dataclass(frozen=True)
class _Names:
    """What a cell does to names when it stands alone."""

    bound: frozenset[str]
    missing: tuple[tuple[str, int], ...]
    any_may_follow: bool


@lru_cache(maxsize=4096)
def _alone(source: str) -> _Names:
    """Kept, since from one keystroke to the next all cells but one stay as they are."""
    cell = Cell(1, CellId("cell"), "code", source)
    name = StepName("cell")
    tagged = TaggedCell(cell, Role("step", name), without_magic_line(source)[1])
    found = analyse(Steps(Notebook(Path("cell.ipynb"), (cell,)), (Step(name, (tagged,)),)))
    missing = [(one.name, one.line) for one in found.findings if one.kind == "undefined-name" and one.name]
    return _Names(
        frozenset(found.steps[0].binds),
        tuple((name, line or 1) for name, line in missing),
        any(one.kind == "unknown-names" for one in found.findings),
    )
