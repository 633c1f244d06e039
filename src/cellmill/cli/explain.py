"""The command ``cellmill explain``."""

from __future__ import annotations

from difflib import get_close_matches

import click

from cellmill.errors import CellmillError


@click.command(short_help="Say what a finding's code means, why it matters and what to do.")
@click.argument("code")
def explain(code: str) -> None:
    """Say what a finding's CODE, such as CM301, or its kind, such as unserializable, means."""
    from cellmill.rules import RULES, rule_of

    kinds = {kind: rule for rule in RULES.values() for kind in rule.kinds}
    rule = rule_of(code) or kinds.get(code)
    if rule is None:
        close = get_close_matches(code, [*RULES, *kinds], n=1) or get_close_matches(code.upper(), RULES, n=1)
        guess = f"did you mean {close[0]}?" if close else "cellmill check NOTEBOOK shows the codes of its findings"
        raise CellmillError(f"there is no finding {code}", remedy=guess)
    text = rule.text()
    can = "can be ignored" if rule.can_be_ignored else "can't be ignored"
    severity = f"{rule.severities[0]}; {rule.severity_note}" if rule.severity_note else rule.severities[0]
    parts = [f"{rule.code} {', '.join(rule.kinds)} ({severity}; {can})", text.what, f"Why: {text.why}"]
    for title, example in (("Bad", text.bad), ("Good", text.good)):
        if example:
            indented = "\n".join(f"    {line}".rstrip() for line in example.split("\n"))
            parts.append(f"{title}:\n\n{indented}")
    click.echo("\n\n".join([*parts, f"Remedy: {text.remedy}"]))
