"""The likely cause of a difference: an edited file, a change on the way, or the finding that stands on that place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellmill.findings import Finding

_SEVERITY = {"error": 0, "warning": 1, "info": 2}
# Findings that explain why something is other from run to run or process to process.
_ABOUT_STATE = ("random", "state", "seed", "global", "alias", "mutat", "order", "dynamic", "untagged", "name")


def cause_of_cell(
    number: int, task: str, findings: Sequence[Finding], edited: Sequence[str], upstream: Sequence[str]
) -> str:
    """Say what may have made a cell differ; empty if nothing is known.

    Parameters
    ----------
    number, task
        The cell and the task that runs it.
    findings
        What readiness says of the notebook.
    edited
        The pipeline's files that were changed by hand.
    upstream
        Names of variables that differ and that the task receives.
    """
    if upstream:
        names = ", ".join(f"`{name}`" for name in upstream)
        return f"the step receives {names}, which {'differ' if len(upstream) > 1 else 'differs'}"
    if (reason := _edited(task, edited)) is not None:
        return reason
    here = [one for one in findings if one.cell == number]
    return _told(here) or _told([one for one in findings if one.step == task])


def cause_of_variable(
    name: str,
    provider: str,
    consumer: str,
    findings: Sequence[Finding],
    edited: Sequence[str],
    changed_by: Mapping[str, Any] | None,
) -> str:
    """Say what may have made a variable differ; empty if nothing is known.

    Parameters
    ----------
    name, provider, consumer
        The variable and the two steps.
    findings, edited
        As for cells.
    changed_by
        The cells between the two steps, if the notebook's value changed between them: ``cells`` in words.
    """
    if changed_by is not None:
        found = _told([one for one in findings if one.name == name])
        between = f"`{name}` changes in the notebook between the two steps ({changed_by['cells']})"
        return f"{between}: {found}" if found else f"{between}, where analysis sees no change"
    for task in (provider, consumer):
        if (reason := _edited(task, edited)) is not None:
            return reason
    named = [one for one in findings if one.name == name]
    return _told(named) or _told([one for one in findings if one.step in (provider, consumer)])


def _edited(task: str, edited: Sequence[str]) -> str | None:
    files = [name for name in edited if name == f"tasks/{task}.py" or name.endswith(("_shared.py", "_handover.py"))]
    return f"{files[0]} was edited by hand since the promotion" if files else None


def _told(findings: Sequence[Finding]) -> str:
    about = [one for one in findings if any(word in one.kind for word in _ABOUT_STATE)]
    if not about:
        return ""
    one = min(about, key=lambda finding: _SEVERITY[finding.severity])
    where = f" (cell {one.cell})" if one.cell is not None else ""
    return f"{one.code} {one.kind}{where}: {one.message}; {one.remedy}"
