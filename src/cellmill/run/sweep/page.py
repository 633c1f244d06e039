"""A sweep as one HTML page that needs nothing else: what was best, parallel coordinates, and the table."""

from __future__ import annotations

import os
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cellmill.files import write_bytes
from cellmill.run.sweep.plot import MOST_METRICS, goodness, parallel_coordinates
from cellmill.run.sweep.result import CombinationResult, SweepResult
from cellmill.run.sweep.values import text_of
from cellmill.run.words import duration, number

STATE_WORDS = {
    "succeeded": "done",
    "up-to-date": "up to date",
    "failed": "failed",
    "stopped": "stopped",
    "not-run": "not run",
}


def write_page(result: SweepResult) -> None:
    """Write the page of a sweep to where the result says.

    Raises
    ------
    CellmillError
        If it can't be written.
    """
    assert result.page is not None
    write_bytes(result.page, page_of(result).encode())


def page_of(result: SweepResult) -> str:
    """The page's text."""
    title = f"{result.folder.name}: sweep of {', '.join(result.varied) or 'one combination'}"
    plot = parallel_coordinates(result)
    shown = f'<section class="plot">{_legend(result)}<div class="wide">{plot}</div></section>' if plot else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{asset('page.css')}{asset('plot.css')}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(result)}{_best(result)}{shown}\n{_table(result)}{_failures(result)}\n</main>\n"
        f"<script>\n{asset('page.js')}</script>\n</body>\n</html>\n"
    )


def asset(name: str) -> str:
    """The text of a file beside this one."""
    return (files("cellmill.run.sweep") / name).read_text(encoding="utf-8")


def _head(result: SweepResult) -> str:
    count = len(result.combinations)
    states = [one.state for one in result.combinations]
    told = [f"{states.count(state)} {words}" for state, words in STATE_WORDS.items() if state in states]
    facts = [f"{count} combination{'s' if count != 1 else ''}: {', '.join(told)}"]
    facts += [f"{result.ran} step{'s' if result.ran != 1 else ''} ran in {duration(result.seconds)}"]
    facts += [result.drawn] if result.drawn else []
    facts += [f"{name} = {text_of(value)}" for name, value in result.fixed.items()]
    facts += [f"profile {result.profile}"] if result.profile else []
    facts += [f"{datetime.now().astimezone():%Y-%m-%d %H:%M}", result.run_id]
    items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    name = escape(result.folder.name)
    return f'<header><p class="kind">Sweep</p><h1>{name}</h1><ul class="facts">{items}</ul></header>\n'


def _best(result: SweepResult) -> str:
    if result.best is None or result.goal is None:
        return ""
    best = result.combinations[result.best]
    names = result.varied or tuple(best.values)
    values = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text_of(best.values[name]))}</dd></div>" for name in names
    )
    word = "lowest" if result.goal.direction == "minimize" else "highest"
    return (
        f'<section class="winner"><div class="figure"><p>{word} {escape(result.goal.metric)}</p>'
        f"<strong>{number(best.metrics[result.goal.metric])}</strong></div><dl>{values}</dl></section>\n"
    )


def _legend(result: SweepResult) -> str:
    if result.goal is None or all(good is None for good in goodness(result)):
        return ""
    metric = escape(result.goal.metric)
    return (
        f'<p class="legend"><span>worse {metric}</span><i class="ramp"></i><span>better</span>'
        '<i class="sample"></i><span>best</span></p>'
    )


def _table(result: SweepResult) -> str:
    names = result.varied or tuple(result.fixed)
    metrics = _metrics(result)
    goal = result.goal.metric if result.goal is not None else None
    columns = [(name, _kind_of(result, name)) for name in names] + [
        (name, "goal" if name == goal else "metric") for name in metrics
    ]
    columns += [("state", ""), ("time", "metric"), ("reports", "fixed")]
    head = "".join(f'<th class="{kind}" scope="col"><button>{escape(name)}</button></th>' for name, kind in columns)
    rows = "".join(_row(result, rank, place, names, metrics) for rank, place in enumerate(result.ranking, start=1))
    left = len(result.metrics) - len(metrics)
    note = f'<p class="note">{left} more metrics are recorded in MLflow.</p>' if left else ""
    return (
        f'<section class="wide"><table><thead><tr><th class="fixed" scope="col">#</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></section>{note}\n"
    )


def _kind_of(result: SweepResult, name: str) -> str:
    return "metric" if all(_is_number(one.values[name]) for one in result.combinations) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _metrics(result: SweepResult) -> list[str]:
    found = list(result.metrics)
    if result.goal is not None and result.goal.metric in found:
        found.remove(result.goal.metric)
        found.insert(0, result.goal.metric)
    return found[: 2 * MOST_METRICS]


def _row(result: SweepResult, rank: int, place: int, names: tuple[str, ...], metrics: list[str]) -> str:
    one = result.combinations[place]
    cells = [_cell(one.values[name]) for name in names]
    cells += [
        _cell(one.metrics.get(name), "goal" if result.goal is not None and name == result.goal.metric else "metric")
        for name in metrics
    ]
    words = STATE_WORDS[one.state]
    cells.append(f'<td><span class="state {one.state}">{words}</span></td>')
    cells.append(f'<td class="metric" data-value="{one.seconds}">{duration(one.seconds) if one.seconds else ""}</td>')
    cells.append(f"<td>{_reports(result, one)}</td>")
    best = place == result.best
    mark = '<span class="badge">best</span>' if best else str(rank)
    name = ' class="best"' if best else ""
    return f'<tr{name} data-row="{place}"><td class="rank">{mark}</td>{"".join(cells)}</tr>\n'


def _cell(value: Any, kind: str = "") -> str:
    if value is None:
        return f'<td class="{kind} none">–</td>'
    numeric = _is_number(value)
    text = number(value) if numeric else text_of(value)
    data = f' data-value="{value}"' if numeric else ""
    return f'<td class="{kind or ("metric" if numeric else "")}"{data}>{escape(text)}</td>'


def _reports(result: SweepResult, one: CombinationResult) -> str:
    """Links to the reports of its own steps, relative to the page."""
    assert result.page is not None
    home = result.page.parent
    own = [task for task in one.tasks if task.report is not None and task.report.parent.parent == home]
    return " ".join(f'<a href="{_link(task.report, home)}">{escape(task.name)}</a>' for task in own if task.report)


def _link(path: Path, home: Path) -> str:
    return quote(os.path.relpath(path, home))


def _failures(result: SweepResult) -> str:
    found: dict[str, list[str]] = {}
    for one in result.combinations:
        if one.failure is not None:
            found.setdefault(one.failure.sentence, []).append(one.label)
    if not found:
        return ""
    items = "".join(
        f"<li><strong>{escape('; '.join(labels))}</strong><br>{escape(sentence)}</li>"
        for sentence, labels in found.items()
    )
    return f'<section class="failures"><h2>What failed</h2><ul>{items}</ul></section>'
