"""What silences findings: comments in cells, and entries in the pipeline's settings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from cellmill.findings import Finding
from cellmill.notebook.cells import Cell
from cellmill.notebook.magic_lines import without_magic_line
from cellmill.notebook.steps import Steps
from cellmill.notebook.transform import parse, to_python
from cellmill.rules import RULES, rule_of
from cellmill.rules.ignoring import BadIgnore, IgnoreNotAllowed, UnusedIgnore

_COMMENT = re.compile(r"#\s*cellmill:\s*ignore(?:\[(?P<codes>[^\]]*)\])?[ \t]*(?P<reason>.*)$")


@dataclass(frozen=True)
class Ignore:
    """One code that is to be ignored at one place.

    Attributes
    ----------
    code
        As it was written.
    reason
        Why; a comment may do without.
    step
        Only there (settings); None: everywhere.
    cell, cell_id, line, covers
        The comment's place, and the lines of the cell that it speaks for; None for settings.
    """

    code: str
    reason: str | None = None
    step: str | None = None
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None
    covers: frozenset[int] = frozenset()

    def matches(self, finding: Finding) -> bool:
        """Whether it speaks of this finding."""
        if finding.code != self.code.upper():
            return False
        if self.cell is not None:
            return finding.cell == self.cell and (finding.line is None or finding.line in self.covers)
        return self.step is None or finding.step == self.step


def apply_ignores(
    findings: Sequence[Finding], steps: Steps, settings: Iterable[Ignore] = (), problems: Iterable[str] = ()
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Part findings into those that stand and those that are ignored.

    Parameters
    ----------
    findings
        All that was found.
    steps
        The notebook, for the comments in its cells.
    settings
        What the pipeline's settings ignore.
    problems
        What is wrong with these settings, a sentence each.

    Returns
    -------
    tuple of two tuples
        What stands, with findings about the ignores themselves, and what is ignored, with its reason.
    """
    ignores = [*(one for cell in steps.notebook.cells for one in ignores_in(cell)), *settings]
    about: list[Finding] = [BadIgnore.finding(text, "correct it in cellmill.yaml") for text in problems]
    obeyed: list[Ignore] = []
    for one in ignores:
        told = _problem(one, steps)
        if told is None:
            obeyed.append(one)
        else:
            about.append(told)
    standing: list[Finding] = []
    ignored: list[Finding] = []
    used: set[Ignore] = set()
    for finding in findings:
        match = next((one for one in obeyed if one.matches(finding)), None)
        if match is None:
            standing.append(finding)
            continue
        used.update(one for one in obeyed if one.matches(finding))
        ignored.append(replace(finding, ignored=True, reason=match.reason))
    about += [_unused(one) for one in obeyed if one not in used and _can_tell(one, steps)]
    return (*standing, *about), tuple(ignored)


def ignores_in(cell: Cell) -> Iterator[Ignore]:
    """The comments of one cell."""
    if cell.kind != "code" or "cellmill:" not in cell.source:
        return
    source = without_magic_line(cell.source)[1]
    for line, text in _comments(source).items():
        found = _COMMENT.search(text)
        if found is None:
            continue
        covers = _covered(source, line)
        reason = found["reason"].strip() or None
        codes = [code.strip() for code in (found["codes"] or "").split(",")]
        for code in codes:
            yield Ignore(code, reason, None, cell.number, str(cell.id), line, covers)


def _comments(source: str) -> dict[int, str]:
    """Line to comment; a text that only looks like one, inside a string, is none."""
    lines = source.replace("\r\n", "\n").split("\n")
    python = to_python(source).split("\n")
    found = {
        at: text
        for at, text in enumerate(lines, start=1)
        # What IPython runs as a magic or in the shell is no Python to take apart.
        if "cellmill:" in text and (at > len(python) or python[at - 1] != text)
    }
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(python)).readline):
            if token.type == tokenize.COMMENT and "cellmill:" in token.string:
                found[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):
        return {at: text for at, text in enumerate(lines, start=1) if "cellmill:" in text}
    return found


def _covered(source: str, line: int) -> frozenset[int]:
    """The lines of the statement that the comment stands on, or of the next one if it stands alone."""
    lines = source.replace("\r\n", "\n").split("\n")
    if lines[line - 1].lstrip().startswith("#"):
        below = (at for at in range(line + 1, len(lines) + 1) if lines[at - 1].strip()[:1] not in ("", "#"))
        line = next(below, line)
    try:
        tree = parse(to_python(source))
    except SyntaxError:
        return frozenset((line,))
    covered = {line}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            # Of a compound statement, its head: what is in its body is for other comments.
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
            if node.lineno <= line <= max(end, node.lineno):
                covered.update(range(node.lineno, max(end, node.lineno) + 1))
    return frozenset(covered)


def _problem(one: Ignore, steps: Steps) -> Finding | None:
    rule = rule_of(one.code)
    if rule is None:
        close = get_close_matches(one.code.upper(), RULES, n=1, cutoff=0.5)
        message = f"an ignore names {one.code!r}, which is no code" if one.code else "an ignore names no code"
        remedy = f"you may have meant {close[0]}" if close else "write the code as the finding shows it: ignore[CODE]"
        return _about(BadIgnore.finding(message, remedy), one)
    if not rule.can_be_ignored:
        return _about(
            IgnoreNotAllowed.finding(
                f"{rule.code} ({rule.kinds[0]}) can't be ignored", "do what that finding says, and take the ignore away"
            ),
            one,
        )
    if one.step is not None and one.step not in {*(str(step.name) for step in steps.steps), "shared", "parameters"}:
        return _about(BadIgnore.finding(f"an ignore of {rule.code} names {one.step}, which is no step", _STEPS), one)
    return None


_STEPS = "name one of the notebook's steps, `shared` or `parameters`, or leave `step` out"


def _unused(one: Ignore) -> Finding:
    where = "" if one.cell is not None else f" in the pipeline's settings{f' (step {one.step})' if one.step else ''}"
    return _about(
        UnusedIgnore.finding(f"nothing to ignore: {one.code.upper()} is not found here{where}", "take it away"), one
    )


def _can_tell(one: Ignore, steps: Steps) -> bool:
    """In an editor's unsaved notebook, findings on its last run can't be made."""
    rule = rule_of(one.code)
    return rule is not None and (bool(steps.notebook.sha256) or not rule.reads_saved_outputs)


def _about(finding: Finding, one: Ignore) -> Finding:
    return replace(finding, name=one.code or None, step=one.step, cell=one.cell, cell_id=one.cell_id, line=one.line)
