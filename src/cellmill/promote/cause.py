"""The likely cause of a difference: an edited file, a change on the way, or the finding that stands on that place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cellmill.findings import Finding
from cellmill.rules import names, production, state
from cellmill.rules.rule import Rule

_SEVERITY = {"error": 0, "warning": 1, "info": 2}
# The rules whose findings explain that a step gives something else in a process of its own, the likeliest first.
_EXPLAINING: tuple[type[Rule], ...] = (
    names.UntaggedName,
    names.UsedBeforeDefined,
    names.DynamicNames,
    names.UnknownNames,
    names.HistoryName,
    names.SharedAgain,
    names.SharedAfterStep,
    names.UndefinedName,
    state.FunctionState,
    state.CachedFunction,
    state.ModuleState,
    state.UnseenState,
    state.EvidenceDiffers,
    state.NotKept,
    state.FigureAcrossSteps,
    state.Unserializable,
    production.UnseededRandom,
    state.ProcessState,
)
_LIKELIHOOD = {rule.code: at for at, rule in enumerate(_EXPLAINING)}


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
        What differs of all that the task receives, in words.
    """
    if upstream:
        return f"the step receives {', '.join(upstream)}, which {'differ' if len(upstream) > 1 else 'differs'}"
    if (reason := _edited(task, edited)) is not None:
        return reason
    here = [one for one in findings if one.cell == number]
    return _likeliest(here) or _likeliest(one for one in findings if one.step == task)


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
        The variable, or the process state, and the two steps.
    findings, edited
        As for cells.
    changed_by
        The cells between the two steps, if the notebook's value changed between them: ``cells`` in words.
    """
    if changed_by is not None:
        found = _likeliest(one for one in findings if one.name == name)
        between = f"`{name}` changes in the notebook between the two steps ({changed_by['cells']})"
        return f"{between}: {found}" if found else f"{between}, where analysis sees no change"
    for task in (provider, consumer):
        if (reason := _edited(task, edited)) is not None:
            return reason
    named = [one for one in findings if one.name == name]
    return _likeliest(named) or _likeliest(one for one in findings if one.step in (provider, consumer))


def cause_of_varying(number: int, task: str, findings: Sequence[Finding]) -> str:
    """Say what may make a cell, or what a task has made when it ends with that cell, something else in each run.

    It is readiness's finding of random numbers that nothing seeds: on the cell, in its task, or above it.

    Parameters
    ----------
    number, task
        The cell and the task that runs it.
    findings
        What readiness says of the notebook, with what is ignored there.
    """
    unseeded = [one for one in findings if one.code == production.UnseededRandom.code]
    for near in (
        [one for one in unseeded if one.cell == number],
        [one for one in unseeded if one.step == task],
        [one for one in unseeded if (one.cell or 0) <= number],
    ):
        if near:
            return in_words(near[0])
    return ""


def in_words(finding: Finding) -> str:
    """A finding as a cause is told: its code, its place, what it says and what to do."""
    where = f" (cell {finding.cell})" if finding.cell is not None else ""
    return f"{finding.code} {finding.kind}{where}: {finding.message}; {finding.remedy}"


def _edited(task: str, edited: Sequence[str]) -> str | None:
    files = [name for name in edited if name == f"tasks/{task}.py" or name.endswith(("_shared.py", "_handover.py"))]
    return f"{files[0]} was edited by hand since the promotion" if files else None


def _likeliest(findings: Iterable[Finding]) -> str:
    about = [one for one in findings if one.code in _LIKELIHOOD]
    if not about:
        return ""
    return in_words(min(about, key=lambda one: (_SEVERITY[one.severity], _LIKELIHOOD[one.code])))
