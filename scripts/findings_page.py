"""Write docs/findings.md from the rules' docstrings; `--check` only says whether the page is current."""

from __future__ import annotations

import sys
from pathlib import Path

from cellmill.rules import GROUPS, Rule

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"

HEAD = """\
<!-- Written by scripts/findings_page.py from the rules' docstrings in src/cellmill/rules: `make docs`. -->

# Findings

What `cellmill check`, `%readiness` and `cellmill promote` can say about a notebook. Each finding has a code, a kind, a severity, the cell and line
that it is about, a reason and a remedy; `cellmill check --json` gives them as data, and `cellmill explain CM301` shows a rule's text from this page.

- An **error** stops promotion: the pipeline would fail, or give something else than the notebook.
- A **warning** does not; it says what the pipeline does differently from what one might expect.
- A **note** (`info` in JSON) is good to know.

## Ignore a finding

A comment on the line ignores the finding there; what follows is the reason, for who reads the code later:

```python
rows = open("/data/rows.csv").read()  # cellmill: ignore[CM501] every machine of ours has this disk
```

A comment on a line of its own speaks for the next line of code (use that for magics: `%pip` would take the comment for a package). A finding
about a cell as a whole is ignored by a comment anywhere in the cell. Several codes are separated by commas: `ignore[CM501, CM505]`.

The pipeline's `cellmill.yaml` ignores a code in the whole notebook, or in one step. Here a reason is required; promotion keeps these lines:

```yaml
ignore:
- code: CM505
  reason: the simulation is to differ from run to run
  step: simulate
```

Warnings and notes can be ignored, and the errors that say so below: there the task would fail and name the line, never give something else in silence.
An ignore that names no code, is not allowed or matches nothing is [a finding itself](#cm901). `cellmill check --show-ignored` and
`%readiness --show-ignored` list what is ignored; in JSON it stands under `ignored`, each with its reason.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for title, rules in GROUPS.items():
        rows = [
            f"| [{rule.code}](#{rule.code.lower()}) | {_kinds(rule)} | {_severity(rule)} | {_one_line(rule.text().what)} | "
            f"{_one_line(rule.text().remedy)} |"
            for rule in rules
        ]
        table = ["| code | kind | severity | what it means | what to do |", "| --- | --- | --- | --- | --- |", *rows]
        parts.append(f"## {title}\n\n" + "\n".join(table) + "\n")
        parts += [_section(rule) for rule in rules]
    return "\n".join(parts)


def _section(rule: type[Rule]) -> str:
    text = rule.text()
    can = "can be ignored" if rule.can_be_ignored else "can't be ignored"
    lines = [
        f"### {rule.code}",
        "",
        f"{_kinds(rule)}: {_severity(rule)}; {can}.",
        "",
        text.what,
        "",
        f"**Why.** {text.why}",
        "",
    ]
    # What is bad is often no Python, or no magic that can be read.
    for title, language, code in (("Bad", "text", text.bad), ("Good", "python", text.good)):
        if code:
            lines += [f"**{title}**", "", f"```{language}", code, "```", ""]
    return "\n".join([*lines, f"**Remedy.** {text.remedy}", ""])


def _kinds(rule: type[Rule]) -> str:
    return ", ".join(f"`{kind}`" for kind in rule.kinds)


def _severity(rule: type[Rule]) -> str:
    return f"{rule.severities[0]}; {rule.severity_note}" if rule.severity_note else rule.severities[0]


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if "--check" in sys.argv[1:]:
        if current == page():
            return 0
        print("docs/findings.md is not what the rules say: run `make docs`.", file=sys.stderr)
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
