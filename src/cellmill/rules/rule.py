"""What a readiness rule is: a class whose docstring is its documentation, and the one maker of its findings."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import ClassVar

from cellmill.findings import Finding, Severity

_SECTION = re.compile(r"^(Why|Bad|Good|Remedy)\n-{3,}\n", re.MULTILINE)


@dataclass(frozen=True)
class RuleText:
    """A rule's documentation, taken from its docstring: Markdown, and notebook cells for ``bad`` and ``good``."""

    what: str
    why: str
    bad: str
    good: str
    remedy: str


class Rule:
    """One readiness rule. A subclass's docstring says what it finds, why that matters, and shows a bad and a good cell.

    Attributes
    ----------
    code
        ``CM`` and three digits; the first digit is the rule's group on the documentation's page.
    kinds
        The rule's names in findings; the first is the rule's own.
    severities
        What a finding of it can be; the first is the usual one.
    severity_note
        When it is another one, for the documentation.
    can_be_ignored
        Whether an author's ``# cellmill: ignore[...]`` is obeyed. Warnings and notes always can be; an error only
        where ignoring it can't make the pipeline silently wrong: the task would fail, and say where.
    reads_saved_outputs
        Whether it needs what only a saved notebook has: outputs, counts, times.
    """

    code: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    severities: ClassVar[tuple[Severity, ...]]
    severity_note: ClassVar[str] = ""
    can_be_ignored: ClassVar[bool] = True
    reads_saved_outputs: ClassVar[bool] = False

    @classmethod
    def kind(cls) -> str:
        """The rule's name in kebab case."""
        return cls.kinds[0]

    @classmethod
    def text(cls) -> RuleText:
        """The docstring, taken apart."""
        document = inspect.cleandoc(cls.__doc__ or "")
        what, *rest = _SECTION.split(document)
        parts = {name: body.strip("\n") for name, body in zip(rest[::2], rest[1::2], strict=True)}
        return RuleText(
            what.strip(), parts.get("Why", ""), parts.get("Bad", ""), parts.get("Good", ""), parts.get("Remedy", "")
        )

    @classmethod
    def finding(
        cls,
        message: str,
        remedy: str,
        *,
        kind: str | None = None,
        severity: Severity | None = None,
        step: str | None = None,
        name: str | None = None,
        cell: int | None = None,
        cell_id: str | None = None,
        line: int | None = None,
    ) -> Finding:
        """Make a finding of this rule.

        Parameters
        ----------
        message, remedy
            What is wrong here and what to type or click, without a full stop.
        kind, severity
            One of the rule's, where it has several; its first if not given.
        step, name, cell, cell_id, line
            As in `Finding`.
        """
        kind, severity = kind or cls.kinds[0], severity or cls.severities[0]
        assert kind in cls.kinds, kind
        assert severity in cls.severities, severity
        return Finding(cls.code, kind, severity, message, remedy, step, name, cell, cell_id, line)
