"""A pipeline's steps drawn as SVG: the same picture under ``%steps`` and ``%run_pipeline``, in any notebook front end.

Colours come from the front end's text colour, so that light and dark are its own; a state is told by a sign and words
as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from cellmill.magics.layers import Layers, lay_out

_WIDTH, _HEIGHT = 168, 44
_GAP, _DROP = 20, 40
_MARGIN = 6
_LONGEST_NAME = 20
_HUES = ("#4a86e0", "#d9772f", "#2fa36f", "#9b66d6", "#cf4f86", "#1f9aa8", "#a98a1f", "#7688a0", "#c65f55", "#6c9a2f")
_SIGNS = {
    "waiting": ("·", "currentColor"),
    "running": ("▸", "#3584e4"),
    "done": ("✓", "#2a9d5c"),
    "up to date": ("✓", "#2a9d5c"),
    "skipped": ("–", "currentColor"),
    "failed": ("✗", "#d13438"),
    "stopped": ("■", "#c77700"),
}


@dataclass(frozen=True)
class Node:
    """One step in the picture.

    Attributes
    ----------
    name
        The step's name.
    upstream
        The steps that it follows.
    detail
        A second line: cells, progress, seconds.
    state
        ``waiting``, ``running``, ``done``, ``up to date``, ``skipped``, ``failed`` or ``stopped``; empty for none.
    progress
        How much of it is done, 0 to 1; None for no bar.
    """

    name: str
    upstream: Sequence[str] = ()
    detail: str = ""
    state: str = ""
    progress: float | None = None


def draw(nodes: Sequence[Node], labels: Mapping[tuple[str, str], str] | None = None) -> str:
    """Draw steps that stand after their upstream.

    Parameters
    ----------
    nodes
        In pipeline order.
    labels
        What the pointer shows over an edge, by (upstream, step).
    """
    upstream: dict[str, list[str]] = {}
    for node in nodes:
        upstream[node.name] = [one for one in node.upstream if one in upstream]
    layers = lay_out(upstream)
    width = layers.width * (_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    height = layers.rows * (_HEIGHT + _DROP) - _DROP + 2 * _MARGIN
    parts = [
        f'<svg role="img" aria-label="{escape(_spoken(nodes))}" viewBox="0 0 {width} {height}" '
        f'style="max-width:100%;width:{width}px;height:auto" font-family="var(--jp-ui-font-family, sans-serif)">'
    ]
    parts += _edges(layers, labels or {}, width)
    for hue, node in enumerate(nodes):
        parts += _node(node, *_corner(layers.places[node.name], width), _HUES[hue % len(_HUES)])
    return "".join([*parts, "</svg>"])


def _corner(place: tuple[float, int], width: float) -> tuple[float, float]:
    x = width / 2 + place[0] * (_WIDTH + _GAP) - _WIDTH / 2
    return round(x, 1), _MARGIN + place[1] * (_HEIGHT + _DROP)


def _edges(layers: Layers, labels: Mapping[tuple[str, str], str], width: float) -> Iterator[str]:
    for edge, path in layers.paths.items():
        corners = [_corner(place, width) for place in path]
        x, y = corners[0][0] + _WIDTH / 2, corners[0][1] + _HEIGHT
        line = f"M{x:g} {y:g}"
        for at, (left, top) in enumerate(corners[1:], start=1):
            bend, x = x, left + _WIDTH / 2
            line += f"C{bend:g} {y + _DROP / 2:g} {x:g} {top - _DROP / 2:g} {x:g} {top:g}"
            y = top
            if at < len(corners) - 1:
                y = top + _HEIGHT
                line += f"V{y:g}"
        title = f"{edge[0]} → {edge[1]}" + (f": {labels[edge]}" if edge in labels else "")
        # The wide line that is not seen makes the title easy to meet with the pointer.
        yield f'<g fill="none" stroke="currentColor"><title>{escape(title)}</title>'
        yield f'<path d="{line}" stroke-opacity="0.45" stroke-width="1.4"/>'
        yield f'<path d="{line}" stroke-opacity="0" stroke-width="12"/></g>'


def _node(node: Node, x: float, y: float, hue: str) -> Iterator[str]:
    sign, colour = _SIGNS.get(node.state, ("", "currentColor"))
    running = node.state == "running"
    yield f"<g><title>{escape(' '.join(part for part in (node.name, node.state, node.detail) if part))}</title>"
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{hue}" fill-opacity="0.1" '
        f'stroke="{colour if running or node.state == "failed" else hue}" stroke-width="{2 if running else 1}"/>'
        f'<rect x="{x:g}" y="{y:g}" width="4" height="{_HEIGHT}" rx="2" fill="{hue}"/>'
    )
    name = node.name if len(node.name) <= _LONGEST_NAME else node.name[: _LONGEST_NAME - 1] + "…"
    middle = y + (18 if node.detail else 26)
    yield (
        f'<text x="{x + 14:g}" y="{middle:g}" font-size="13" font-weight="600" '
        f'fill="currentColor">{escape(name)}</text>'
    )
    if node.detail:
        yield (
            f'<text x="{x + 14:g}" y="{y + 34:g}" font-size="11" fill="currentColor" '
            f'fill-opacity="0.75">{escape(node.detail[:26])}</text>'
        )
    if sign:
        yield (
            f'<text x="{x + _WIDTH - 12:g}" y="{y + 19:g}" font-size="14" text-anchor="end" '
            f'fill="{colour}">{sign}</text>'
        )
    if node.progress is not None:
        done = max(0.0, min(1.0, node.progress)) * (_WIDTH - 8)
        yield f'<rect x="{x + 4:g}" y="{y + _HEIGHT - 3:g}" width="{done:.1f}" height="3" fill="#3584e4"/>'
    yield "</g>"


def _spoken(nodes: Sequence[Node]) -> str:
    return "; ".join(
        f"{node.name}{' after ' + ', '.join(node.upstream) if node.upstream else ''}"
        f"{', ' + node.state if node.state else ''}"
        for node in nodes
    )
