"""docs/findings.md is what the rules say, and every rule's examples are: the bad one is found, the good one is not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cellmill.findings import Finding
from cellmill.notebook.read import notebook_of_cells
from cellmill.promote.plan import read_cells
from cellmill.rules import RULES, Rule

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "cellmill").rglob("*.py"))
CODE = re.compile(r"CM\d{3}")
MARK = re.compile(r"# %%(?P<text> \[markdown\])?(?P<tags>[^\n]*)\n?", re.MULTILINE)
# Rules on saved outputs, runs, modules and what is installed; they have tests of their own.
NOT_IN_THE_TEXT = {
    "slow-cell",
    "large-output",
    "not-locked",
    "ghost-state",
    "undecided-conflict",
    "evidence-differs",
    "unseen-state",
    "module-state",
}


def test_the_page_is_current():
    told = subprocess.run(
        [sys.executable, "scripts/findings_page.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 0, told.stderr


def test_codes_stand_with_the_rules_and_nowhere_else():
    by_hand = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in SOURCES
        if path.parent.name != "rules" or path.parent.parent.name != "cellmill"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    ]
    assert by_hand == []


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_rule_is_documented(rule: type[Rule]):
    text = rule.text()
    assert CODE.fullmatch(rule.code)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", kind) for kind in rule.kinds)
    assert all((text.what, text.why, text.remedy))
    assert rule.kinds[0] in NOT_IN_THE_TEXT or text.bad


def test_codes_and_kinds_are_told_once():
    kinds = [kind for rule in RULES.values() for kind in rule.kinds]
    assert len(kinds) == len(set(kinds))
    assert list(RULES) == sorted(RULES)


def _found(example: str, folder: Path) -> list[Finding]:
    """Findings of an example: `# %%` begins a cell and has its tags behind it."""
    starts = list(MARK.finditer(example))
    if not starts or starts[0].start():
        example = f"# %%\n{example}"
        starts = list(MARK.finditer(example))
    cells = []
    for mark, end in zip(starts, [*(one.start() for one in starts[1:]), len(example)], strict=True):
        cells.append(
            {
                "cell_type": "markdown" if mark["text"] else "code",
                "source": example[mark.end() : end].strip("\n"),
                "metadata": {"tags": mark["tags"].split()},
            }
        )
    return list(read_cells(notebook_of_cells(folder / "example.ipynb", cells))[2])


WITH_EXAMPLES = {code: rule for code, rule in RULES.items() if rule.text().bad}


@pytest.mark.parametrize("rule", WITH_EXAMPLES.values(), ids=list(WITH_EXAMPLES))
def test_the_bad_example_is_found_and_the_good_one_is_not(rule: type[Rule], tmp_path: Path):
    text = rule.text()
    found = [one for one in _found(text.bad, tmp_path) if one.code == rule.code]
    assert [(one.kind, one.severity) for one in found] == [(rule.kinds[0], rule.severities[0])]
    if text.good:
        good = _found(text.good, tmp_path)
        assert rule.code not in {one.code for one in good}
        assert not [str(one) for one in good if one.severity == "error"]
