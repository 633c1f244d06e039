"""Learns from two runs of a notebook which of its outputs change by themselves, as narrowly as they did.

A line that differed becomes a pattern for nbval's sanitizing: the line as it stands, but for the times, durations,
addresses and temporary paths that differed in it. A number that differed becomes no pattern: it may be the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.promote.comparison import shown_texts
from cellmill.promote.verification import Learned

FILE = "tests/learned.cfg"
_HEAD = """\
# What `cellmill verify` has learned by running the notebook twice: lines that differed between the two, each with what
# differed in it. They are compared without that, beside what nbval.cfg says. Look them over; delete what should count.
"""

# What may change without meaning, by name. The order counts: a date is no number.
_KINDS = {
    "address": r"0x[0-9a-fA-F]{6,}",
    "time": (
        r"datetime\.(?:datetime|date|time)\([\d, ]+\)"
        r"|\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?"
        r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
        r"(?: +\d{1,2})? (?:\d{2}:\d{2}:\d{2} )?\d{4}"
        r"|\d{1,2}[/.]\d{1,2}[/.]\d{4}"
        r"|\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?(?: [AP]M)?"
    ),
    "duration": (r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)? ?(?:ns|µs|us|ms|s|secs?|seconds?|min|minutes?|h|hours?)\b(?!/)"),
    "temporary path": (
        r"(?:/var/folders|/tmp|/var/tmp)/[^\s'\"<>()\[\],;]+"
        r"|[^\s'\"<>()\[\],;]*[/\\]tmp[a-z0-9_]{8}[^\s'\"<>()\[\],;]*"
    ),
    "number": r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?",
}
_PIECE = re.compile("|".join(f"(?P<k{at}>{pattern})" for at, pattern in enumerate(_KINDS.values())))
_NAMES = list(_KINDS)


@dataclass(frozen=True)
class Lesson:
    """What two runs teach about one cell: patterns, or (``varies``) what differs though no pattern may cover it."""

    patterns: tuple[Learned, ...] = ()
    varies: str = ""


def learn(
    number: int,
    cell_id: str,
    first: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    patterns: str,
) -> Lesson:
    r"""Learn from what a cell showed in two runs of the notebook.

    Parameters
    ----------
    number, cell_id
        The cell.
    first, second
        Its outputs as in nbformat, which differ under ``patterns``.
    patterns
        The sanitizing that is in force, in nbval's format.

    Examples
    --------
    >>> show = lambda text: [{"output_type": "stream", "name": "stdout", "text": text}]
    >>> lesson = learn(3, "fit", show("fitted in 0.31 s, 5 rows\n"), show("fitted in 0.29 s, 5 rows\n"), "")
    >>> print(lesson.patterns[0].replace)
    fitted in <duration>, 5 rows
    >>> learn(3, "fit", show("score 0.31\n"), show("score 0.29\n"), "").varies
    'a number'
    """
    texts = [shown_texts(outputs, patterns) for outputs in (first, second)]
    if [kind for kind, _ in texts[0]] != [kind for kind, _ in texts[1]]:
        return Lesson(varies="which outputs there are")
    found: dict[str, Learned] = {}
    for (_, before), (_, after) in zip(*texts, strict=True):
        lines = before.split("\n"), after.split("\n")
        if len(lines[0]) != len(lines[1]):
            return Lesson(varies="how many lines there are")
        for was, then in zip(*lines, strict=True):
            if was == then:
                continue
            one = _pattern(number, cell_id, was, then)
            if isinstance(one, str):
                return Lesson(varies=one)
            found[one.regex] = one
    return Lesson(tuple(found.values()))


_WARNING = re.compile(r"^.*?:\d+: (\w*Warning: .*)$", re.MULTILINE)


def warnings_in(outputs: Sequence[Mapping[str, Any]]) -> set[str]:
    """The warnings that outputs show, each as its category and message."""
    texts = [str(one.get("text", "")) for one in outputs if one.get("name") == "stderr"]
    return {found for text in texts for found in _WARNING.findall(text)}


def read_learned(folder: Path) -> str:
    """The patterns that a pipeline has learned so far, in nbval's format; empty if none."""
    try:
        return (folder / FILE).read_text(encoding="utf-8")
    except OSError:
        return ""


def with_learned(text: str, learned: Sequence[Learned]) -> str:
    """The file of learned patterns with some more; equal ones stand once."""
    parts = [text or _HEAD]
    for one in learned:
        entry = f"regex: {one.regex}\nreplace: {one.replace}\n"
        if entry not in text:
            parts.append(f"\n[cell {one.cell_id}: {', '.join(one.kinds)}, as in {one.was.strip()!r}]\n{entry}")
    return "".join(parts)


def _pattern(number: int, cell_id: str, was: str, then: str) -> Learned | str:
    """The line as it stands but for what differs in it; or a word for what differs and must not be left out."""
    pieces = list(_pieces(was)), list(_pieces(then))
    if [kind for kind, _ in pieces[0]] != [kind for kind, _ in pieces[1]]:
        return "the text"
    regex, replace, kinds = "", "", []
    for (kind, before), (_, after) in zip(*pieces, strict=True):
        if before == after:
            regex, replace = regex + re.escape(before), replace + before.replace("\\", r"\\")
        elif kind in ("", "number"):
            return "a number" if kind else "the text"
        else:
            regex, replace = f"{regex}(?:{_KINDS[kind]})", f"{replace}<{kind}>"
            kinds.append(kind)
    return Learned(number, cell_id, tuple(dict.fromkeys(kinds)), f"(?m)^{regex}$", replace, was, then)


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """A line cut into what may change (its kind, the text) and what stands between (no kind)."""
    end = 0
    for found in _PIECE.finditer(line):
        if found.start() > end:
            yield "", line[end : found.start()]
        yield _NAMES[int(str(found.lastgroup)[1:])], found[0]
        end = found.end()
    if end < len(line):
        yield "", line[end:]
