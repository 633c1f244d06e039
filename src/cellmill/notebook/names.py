"""Rules about step names: each becomes a file name and a word of Python."""

from __future__ import annotations

import unicodedata

from cellmill.findings import Finding
from cellmill.notebook.magic_lines import name_problem
from cellmill.notebook.roles import finding_at
from cellmill.notebook.steps import Step, Steps
from cellmill.rules.rule import Rule
from cellmill.rules.tags import BadStepName, StepNameCollision

# Files and names that a pipeline folder has already, and what no file on Windows may be named.
RESERVED = frozenset({"parameters", "reference", "upstream", "product", "conftest"})
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
_OWN_MODULES = ("_handover", "_shared")


def can_be_step(name: str) -> bool:
    """Whether a step may have this name, in a notebook without other steps."""
    return name_problem(name) is None and _folded(name) not in RESERVED | _DEVICES


def findings(steps: Steps) -> list[Finding]:
    """Say which step names can't be used, and why."""
    found: list[Finding] = []
    seen: dict[str, Step] = {}
    for step in steps.steps:
        problem = _problem(step, seen.get(_folded(step.name)), steps.notebook.name)
        seen.setdefault(_folded(step.name), step)
        if problem:
            rule, message, remedy = problem
            first = step.cells[0]
            found.append(finding_at(first.cell, rule, message, remedy, step=step.name, name=step.name))
    return found


def _problem(step: Step, same: Step | None, notebook: str) -> tuple[type[Rule], str, str] | None:
    if not step.name:
        return BadStepName, "the tag step: names no step", "write step:NAME, such as step:load"
    bad = name_problem(step.name)
    if bad:
        return BadStepName, *bad
    folded = _folded(step.name)
    if same is not None:
        return (
            StepNameCollision,
            f"steps {same.name} and {step.name} (cells {same.cells[0].cell.number} and {step.cells[0].cell.number}) "
            "differ only in case, and would share one file on many machines",
            f"rename one, or write {same.name} in both if they are one step",
        )
    if folded in RESERVED or folded in {_folded(notebook + end) for end in _OWN_MODULES}:
        why = f"the step name {step.name} would collide with a file or name of the pipeline's own"
    elif folded in _DEVICES:
        why = f"no file can be named {step.name} on Windows"
    else:
        return None
    return StepNameCollision, why, f"name it {step.name}_step"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
