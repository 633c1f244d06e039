"""Findings: what stands between a notebook and its promotion, each with a place, a reason and a remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
