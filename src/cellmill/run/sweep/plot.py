"""Parallel coordinates as SVG: an axis for each parameter that varies and each metric, a line for each combination."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from cellmill.run.sweep.result import CombinationResult, SweepResult
from cellmill.run.sweep.values import text_of
from cellmill.run.words import number

# Metrics that get an axis; a library that logs by itself logs many.
MOST_METRICS = 6
# Numbers that are set evenly with a label each; more are placed by their size.
_MOST_LABELLED = 10
_TOP, _BOTTOM, _HEIGHT = 46, 24, 380
_SIDE, _APART = 84, 168
_LONGEST = 14


@dataclass(frozen=True)
class Axis:
    """One axis: what it is called, where a combination meets it (0 is the bottom, 1 the top), and its labels.

    ``place`` gives None for a combination that does not meet it.
    """

    name: str
    kind: str
    place: Callable[[CombinationResult], float | None]
    ticks: Sequence[tuple[float, str]]


def parallel_coordinates(result: SweepResult) -> str:
    """The plot as an SVG element; empty if nothing varies that could be drawn."""
    axes = _axes(result)
    if len(axes) < 2:
        return ""
    apart = max(_APART, 640 // (len(axes) - 1))
    width = 2 * _SIDE + apart * (len(axes) - 1)
    xs = [_SIDE + apart * place for place in range(len(axes))]
    # The best are drawn last, over the others.
    lines = [_line(result, place, axes, xs) for place in reversed(result.ranking)]
    drawn = [_axis(axis, x, last=x == xs[-1]) for axis, x in zip(axes, xs, strict=True)]
    described = f"{len(result.combinations)} combinations over {', '.join(axis.name for axis in axes)}"
    return (
        f'<svg viewBox="0 0 {width} {_HEIGHT}" style="min-width:{min(width, 110 * len(axes))}px" role="img" '
        f'aria-label="{escape(described)}">\n<g class="lines">\n{"".join(lines)}</g>\n{"".join(drawn)}</svg>'
    )


def goodness(result: SweepResult) -> list[float | None]:
    """For each combination how good it is, from 0 to 1; None without a goal or a value."""
    goal = result.goal
    if goal is None:
        return [None] * len(result.combinations)
    values = [one.metrics.get(goal.metric) if one.whole else None for one in result.combinations]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return [None] * len(values)
    low, high = min(finite), max(finite)
    found: list[float | None] = []
    for value in values:
        if value is None or not math.isfinite(value):
            found.append(None)
            continue
        share = (value - low) / (high - low) if high > low else 1.0
        found.append(share if goal.direction == "maximize" else 1 - share if high > low else 1.0)
    return found


def _axes(result: SweepResult) -> list[Axis]:
    found = [_parameter(name, [one.values[name] for one in result.combinations]) for name in result.varied]
    metrics = list(result.metrics)
    if result.goal is not None and result.goal.metric in metrics:
        # What is compared by stands last, where the eye ends.
        metrics.remove(result.goal.metric)
        metrics = [*metrics[: MOST_METRICS - 1], result.goal.metric]
    return found + [_metric(result, name) for name in metrics[:MOST_METRICS]]


def _parameter(name: str, values: Sequence[Any]) -> Axis:
    texts = list(dict.fromkeys(text_of(value) for value in values))
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if numbers and len(texts) > _MOST_LABELLED:
        place, ticks = _scale([float(value) for value in values])
        return Axis(name, "parameter", lambda one: place(float(one.values[name])), ticks)
    if numbers:
        texts.sort(key=float)
    places = {text: (at + 0.5) / len(texts) for at, text in enumerate(texts)}
    every = math.ceil(len(texts) / 24)
    told = {text_of(value): number(value) if numbers else text_of(value) for value in values}
    ticks = [(at, told[text]) for order, (text, at) in enumerate(places.items()) if order % every == 0]
    return Axis(name, "parameter", lambda one: places[text_of(one.values[name])], ticks)


def _metric(result: SweepResult, name: str) -> Axis:
    values = [one.metrics[name] for one in result.combinations if math.isfinite(one.metrics.get(name, math.nan))]
    place, ticks = _scale(values) if values else (lambda _: 0.5, [])
    kind = "goal" if result.goal is not None and name == result.goal.metric else "metric"

    def at(one: CombinationResult) -> float | None:
        value = one.metrics.get(name, math.nan)
        return place(value) if math.isfinite(value) else None

    return Axis(name, kind, at, ticks)


def _scale(values: Sequence[float]) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    """Where numbers stand between the least and the greatest; by their logarithms where they span much."""
    low, high = min(values), max(values)
    if low == high:
        return (lambda _: 0.5), [(0.5, number(low))]
    if low > 0 and high / low >= 100:
        first, last = math.log10(low), math.log10(high)
        powers = [10.0**power for power in range(math.ceil(first), math.floor(last) + 1)]
        every = math.ceil(len(powers) / 6)

        def by_logarithm(value: float) -> float:
            return (math.log10(value) - first) / (last - first)

        return by_logarithm, [(by_logarithm(power), number(power)) for power in powers[::every]]

    def by_size(value: float) -> float:
        return (value - low) / (high - low)

    return by_size, [(by_size(value), number(value)) for value in _round_numbers(low, high)]


def _round_numbers(low: float, high: float) -> list[float]:
    """Four to eight round numbers in a range."""
    raw = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def _line(result: SweepResult, place: int, axes: Sequence[Axis], xs: Sequence[int]) -> str:
    one = result.combinations[place]
    points = [(x, _y(at)) for axis, x in zip(axes, xs, strict=True) if (at := axis.place(one)) is not None]
    (x, y), *rest = points
    path = f"M{x} {y:.1f}"
    for next_x, next_y in rest:
        middle = (x + next_x) / 2
        path += f"C{middle:g} {y:.1f} {middle:g} {next_y:.1f} {next_x} {next_y:.1f}"
        x, y = next_x, next_y
    good = goodness(result)[place]
    names = ["line"]
    names += ["best"] if place == result.best else []
    names += ["broken"] if not one.whole else []
    names += ["plain"] if good is None else []
    style = f' style="--good:{good:.0%}"' if good is not None else ""
    told = ", ".join([one.label, *(f"{name} = {number(value)}" for name, value in one.metrics.items())])
    # A wide, invisible line under the visible one is easier to meet with a pointer.
    return (
        f'<g class="{" ".join(names)}" data-row="{place}"{style}><title>{escape(told)}</title>'
        f'<path class="touch" d="{path}"/><path d="{path}"/></g>\n'
    )


def _axis(axis: Axis, x: int, *, last: bool) -> str:
    bottom = _HEIGHT - _BOTTOM
    side = -1 if not last else 1
    anchor = "end" if side < 0 else "start"
    ticks = "".join(
        f'<line x1="{x - 4}" x2="{x + 4}" y1="{_y(at):.1f}" y2="{_y(at):.1f}"/>'
        f'<text x="{x + side * 9}" y="{_y(at):.1f}" dy="0.35em" text-anchor="{anchor}">{_cut(text)}</text>'
        for at, text in axis.ticks
    )
    return (
        f'<g class="axis {axis.kind}"><text class="name" x="{x}" y="22" text-anchor="middle">{_cut(axis.name, 22)}'
        f'</text><line x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>{ticks}</g>\n'
    )


def _y(at: float) -> float:
    return _HEIGHT - _BOTTOM - at * (_HEIGHT - _TOP - _BOTTOM)


def _cut(text: str, longest: int = _LONGEST) -> str:
    shortened = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return f"{escape(shortened)}<title>{escape(text)}</title>" if shortened != text else escape(text)
