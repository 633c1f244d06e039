"""The extension's own reading of roles (TypeScript) is held to the same cases as ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cellmill.notebook.cells import Cell, CellId
from cellmill.notebook.identifiers import to_identifier
from cellmill.notebook.names import can_be_step
from cellmill.notebook.roles import read_role

_FILE = Path(__file__).parents[2] / "extension" / "test" / "roles.cases.json"
_CASES: dict[str, list[dict[str, Any]]] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}


@pytest.mark.parametrize("case", _CASES.get("cells", []), ids=lambda case: repr((case["source"], case["tags"])))
def test_python_reads_the_role_that_the_extension_reads(case: dict[str, Any]) -> None:
    cell = Cell(1, CellId("a"), "code", case["source"], tuple(case["tags"]))
    found = read_role(cell)[0]
    role = {"kind": found.role.kind, "name": found.role.name} if found else None
    assert role == case["role"]


@pytest.mark.parametrize("case", _CASES.get("names", []), ids=lambda case: repr(case["text"]))
def test_python_makes_the_names_that_the_extension_makes(case: dict[str, Any]) -> None:
    assert to_identifier(case["text"]) == case["identifier"]
    assert can_be_step(case["text"]) == case["possible"]
