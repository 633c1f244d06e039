"""Tables that a terminal shows as text and a notebook as HTML; without colours, as light and dark are Lab's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

_WIDEST = 60
_CELL = "text-align:left;vertical-align:top;white-space:pre-line"


@dataclass(frozen=True)
class Table:
    """A table with a sentence above it and sentences below.

    Attributes
    ----------
    caption
        One sentence.
    columns
        The headings.
    rows
        Texts; a line break begins a new line in the table's cell.
    notes
        Sentences below the table.
    figure
        An SVG picture that HTML shows above the table.
    """

    caption: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    figure: str = ""

    def __repr__(self) -> str:
        parts = [self.caption]
        if self.rows:
            parts += ["", *self._lines()]
        if self.notes:
            parts += ["", *self.notes]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        html = [f"<div><p>{escape(self.caption)}</p>"]
        if self.figure:
            html.append(f'<div style="margin:8px 0;overflow-x:auto">{self.figure}</div>')
        if self.rows:
            html += ["<table><thead>", _html_row("th", self.columns), "</thead><tbody>"]
            html += [_html_row("td", row) for row in self.rows]
            html.append("</tbody></table>")
        html += [f"<p>{escape(note)}</p>" for note in self.notes]
        return "".join([*html, "</div>"])

    def _lines(self) -> Iterable[str]:
        table = [[_wrapped(text) for text in row] for row in [self.columns, *self.rows]]
        widths = [max(len(line) for row in table for line in row[at]) for at in range(len(self.columns))]
        for number, row in enumerate(table):
            for at in range(max(map(len, row))):
                texts = [lines[at] if at < len(lines) else "" for lines in row]
                yield "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()
            if number == 0:
                yield "  ".join("-" * width for width in widths)


def _html_row(kind: str, texts: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<{kind} style="{_CELL}">{escape(text)}</{kind}>' for text in texts) + "</tr>"


def _wrapped(text: str) -> list[str]:
    lines = [part for line in text.split("\n") for part in wrap(line, _WIDEST, break_long_words=False) or [""]]
    return lines or [""]
