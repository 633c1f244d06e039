"""Draws a terminal's recorded output as an SVG that needs no font or file from elsewhere.

Record with tmux, which applies what live tables redraw, and draw::

    tmux new-session -d -s demo -x 110 -y 120 'make demo; sleep 600'
    tmux capture-pane -t demo -p -e -J > demo.ansi
    python docs/images/terminal_to_svg.py demo.ansi docs/images/demo.svg "make demo"
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

COLUMNS = 108

BACKGROUND, TEXT = (15, 23, 42), (226, 232, 240)
# Black, red, green, yellow, blue, magenta, cyan, white.
COLOURS = "1e293b f87171 4ade80 facc15 60a5fa c084fc 22d3ee e2e8f0"
BRIGHT = "94a3b8 fca5a5 86efac fde047 93c5fd d8b4fe 67e8f9 ffffff"

# rich's own frame would fetch a font from the net.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 17px; font-family: ui-sans-serif, "Segoe UI", "DejaVu Sans", Arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def _triples(colours: str) -> list[tuple[int, int, int]]:
    return [(int(one[:2], 16), int(one[2:4], 16), int(one[4:], 16)) for one in colours.split()]


def draw(ansi: str, title: str) -> str:
    """Give the SVG of what a terminal showed."""
    from rich.console import Console
    from rich.terminal_theme import TerminalTheme
    from rich.text import Text

    theme = TerminalTheme(BACKGROUND, TEXT, _triples(COLOURS), _triples(BRIGHT))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    for line in ansi.rstrip().splitlines():
        console.print(Text.from_ansi(line), soft_wrap=True)
    console.print()  # the frame cuts what hangs below the last line
    drawn = console.export_svg(title=title, theme=theme, code_format=FRAME, unique_id="terminal")
    return re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE)


if __name__ == "__main__":
    source, target, title = sys.argv[1:]
    Path(target).write_text(draw(Path(source).read_text(encoding="utf-8"), title), encoding="utf-8")
