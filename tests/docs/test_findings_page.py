"""docs/findings.md lists every finding that the source can make, with the kind and severity that it has there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "cellmill").rglob("*.py"))
CODE = re.compile(r"CM\d{3}")
SEVERITIES = {"error", "warning", "info"}


def _documented() -> dict[str, tuple[set[str], str]]:
    """Code to kinds and severities, as the page's tables have them."""
    rows: dict[str, tuple[set[str], str]] = {}
    for line in (ROOT / "docs" / "findings.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and CODE.fullmatch(cells[0]):
            assert cells[0] not in rows, f"{cells[0]} stands twice"
            assert len(cells) == 5, line
            assert all(cells), line
            rows[cells[0]] = (set(re.findall(r"`([\w-]+)`", cells[1])), cells[2])
    return rows


def _texts(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call that is given a finding's code as a literal."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                words = [*node.args, *(one.value for one in node.keywords)]
                literal = [one.value for one in words if isinstance(one, ast.Constant)]
                codes = [one for one in literal if isinstance(one, str) and CODE.fullmatch(one)]
                if codes and not any(text.startswith("Finding(") for text in literal if isinstance(text, str)):
                    yield codes[0], node


DOCUMENTED = _documented()
CALLS = [(code, node) for code, node in _calls()]


def test_every_code_of_the_source_is_on_the_page_and_no_other():
    made = {text for path in SOURCES for text in _texts(ast.parse(path.read_text())) if CODE.fullmatch(text)}
    assert made == DOCUMENTED.keys()


@pytest.mark.parametrize("code,call", CALLS, ids=[f"{code}-line{node.lineno}" for code, node in CALLS])
def test_kind_and_severity_are_those_of_the_source(code: str, call: ast.Call):
    kinds, severity = DOCUMENTED[code]
    literal = [*call.args, *(one.value for one in call.keywords)]
    texts = [one.value for one in literal if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    named = [text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", text)]
    assert set(named) <= kinds
    given = SEVERITIES.intersection(texts)
    # finding_at() takes errors for granted; where a variable decides, the page says of both.
    computed = any(isinstance(one, ast.Name) and one.id == "severity" for one in literal)
    assert severity.startswith(tuple(given or {"error"}))
    assert not computed or "warning" in severity


def test_kinds_that_are_chosen_while_running_are_on_the_page():
    documented = set().union(*(kinds for kinds, _ in DOCUMENTED.values()))
    assert {"bad-step-name", "step-name-collision", "mutable-default", "closure-state"} <= documented
