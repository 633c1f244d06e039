"""Findings: what stands between a notebook and its promotion, each with a place, a reason and a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

from cellmill.errors import printable

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that readiness has to say.

    Attributes
    ----------
    code
        ``CM`` and three digits; ``cellmill.rules`` has the rule of each.
    kind
        The rule's name in kebab case, such as ``undefined-name`` or ``unserializable``.
    severity
        ``error`` stops promotion; ``warning`` does not.
    message
        What is wrong and why it matters, without a full stop.
    remedy
        What to type or click, without a full stop.
    step, name
        The step and the variable (or magic) that it is about, where there is one.
    cell, cell_id, line
        The cell's number (from 1), its id, and the line in it (from 1).
    ignored, reason
        Whether a comment or the pipeline's settings silence it, and why.
    """

    code: str
    kind: str
    severity: Severity
    message: str
    remedy: str
    step: str | None = None
    name: str | None = None
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None
    ignored: bool = False
    reason: str | None = None

    def __post_init__(self) -> None:
        for field in ("message", "remedy", "name"):
            text = getattr(self, field)
            if text is not None:
                object.__setattr__(self, field, printable(text))

    def as_dict(self) -> dict[str, Any]:
        """All fields, for ``--json``; those about ignoring only where the finding is ignored."""
        fields = asdict(self)
        if not self.ignored:
            del fields["ignored"], fields["reason"]
        return fields

    def __str__(self) -> str:
        where = f"cell {self.cell}" if self.cell is not None else "notebook"
        if self.cell is not None and self.line is not None:
            where += f", line {self.line}"
        return f"{self.severity} {self.code} {where}: {self.message}; {self.remedy}."


def alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Put those together that say the same of several places, where the first of them stands."""
    found: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        found.setdefault((one.code, one.kind, one.severity, one.message, one.remedy, one.reason), []).append(one)
    return list(found.values())


def places(findings: Sequence[Finding]) -> str:
    """Where findings are, in words.

    Examples
    --------
    >>> say = lambda cell, line: Finding("CM505", "unseeded-random", "warning", "", "", cell=cell, line=line)
    >>> places([say(4, 2), say(4, 5), say(6, 1)])
    'cell 4, lines 2, 5; cell 6, line 1'
    """
    told = []
    for cell, group in groupby(findings, key=lambda one: one.cell):
        lines = [str(line) for line in dict.fromkeys(one.line for one in group if one.line is not None)]
        where = f"cell {cell}" if cell is not None else "notebook"
        at = f", line{'s' if len(lines) > 1 else ''} {', '.join(lines)}" if lines and cell is not None else ""
        told.append(f"{where}{at}")
    return "; ".join(told)
