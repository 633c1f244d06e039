"""How findings look in a terminal: grouped by severity, each with its place, its reason and its remedy."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cellmill.findings import Finding, Severity, alike, places

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_ORDER: tuple[Severity, ...] = ("error", "warning", "info")
_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "bold blue"}
_TITLES = {"error": "Errors", "warning": "Warnings", "info": "Notes"}


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print all findings, errors first."""
    from rich.text import Text

    for severity in _ORDER:
        group = [finding for finding in findings if finding.severity == severity]
        if not group:
            continue
        console.print(Text(_TITLES[severity], style=_STYLES[severity]))
        for same in alike(group):
            finding = same[0]
            head = Text.assemble("  ", (places(same), "bold"), f"  {finding.kind} ", (finding.code, "dim"))
            console.print(head, soft_wrap=True)
            _print_indented(console, "    ", f"{_sentence(finding.message)}.")
            _print_indented(console, "    → ", f"{finding.remedy}.")
        console.print()


def print_ignored(console: Console, ignored: Sequence[Finding], notebook: Path, *, in_full: bool) -> None:
    """Say how many findings are ignored, or which and why."""
    from rich.text import Text

    if not ignored:
        return
    if not in_full:
        line = f"{_ignored(ignored)}: cellmill check {notebook} --show-ignored"
        console.print(Text(line, style="dim"), soft_wrap=True)
        return
    console.print(Text("Ignored", style="bold"))
    for same in alike(ignored):
        finding = same[0]
        head = Text.assemble("  ", (places(same), "bold"), f"  {finding.kind} ", (finding.code, "dim"))
        console.print(head, soft_wrap=True)
        _print_indented(console, "    ", f"{_sentence(finding.message)}.")
        _print_indented(console, "    because: ", finding.reason or "no reason is given")
    console.print()


def _ignored(ignored: Sequence[Finding]) -> str:
    return "1 finding is ignored" if len(ignored) == 1 else f"{len(ignored)} findings are ignored"


def _print_indented(console: Console, head: str, text: str) -> None:
    """Wrap in a terminal; elsewhere a paragraph is one line, for grep and for logs."""
    from rich.text import Text

    lines = textwrap.wrap(text, max(20, console.width - len(head))) if console.is_terminal else [text]
    for place, line in enumerate(lines):
        start = head if place == 0 else " " * len(head)
        console.print(Text.assemble((start, "green"), line), soft_wrap=True)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def count(findings: Iterable[Finding]) -> str:
    """Say how many there are of each severity.

    Examples
    --------
    >>> count([Finding("CM201", "undefined-name", "error", "", "")])
    '1 error'
    """
    severities = [finding.severity for finding in findings]
    words = {"error": "error", "warning": "warning", "info": "note"}
    parts = [(severities.count(severity), words[severity]) for severity in _ORDER]
    told = [f"{number} {word}{'s' if number > 1 else ''}" for number, word in parts if number]
    return ", ".join(told) or "nothing to say"
