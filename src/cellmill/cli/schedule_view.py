"""How a terminal shows schedules: what is due, what became of it, in tables that fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cellmill.schedule.declare import Known
    from cellmill.schedule.preview import PreviewedTime
    from cellmill.schedule.ticks import Tick

STYLES = {
    "queued": "cyan",
    "running": "bold cyan",
    "succeeded": "green",
    "failed": "bold red",
    "lost": "bold red",
    "stopped": "yellow",
    "skipped": "dim",
    "missed": "yellow",
}
# Rows of a preview; of a schedule that is due often the later ones are only counted.
_MOST = 60
_LEAST = 5
# The last ticks that a list shows of each schedule.
_STRIP = 10


def local(at: float, known: Known) -> str:
    """A moment on a schedule's own clock."""
    return f"{datetime.fromtimestamp(at, known.settings.zone):%a %Y-%m-%d %H:%M:%S %Z}"


def console() -> Console:
    """The terminal; a file or a pipe has no width, and nothing is cut there."""
    from rich.console import Console

    found = Console()
    return found if found.is_terminal else Console(width=200)


def print_preview(times: Sequence[PreviewedTime]) -> None:
    """Show the times of some schedules; all where something is special about them."""
    from rich.text import Text

    if not times:
        return
    out = console()
    table = _table(out, "due", "schedule", "")
    each = max(_LEAST, _MOST // len({(one.folder, one.name) for one in times}))
    seen, left = Counter[str](), Counter[str]()
    for one in times:
        label = f"{one.folder.name}/{one.name}"
        seen[label] += 1
        if seen[label] > each and (not one.note or table.row_count >= 2 * _MOST):
            left[label] += 1
            continue
        zone = one.due.tzname() or ""
        # A zone whose hours have no name is called by its own.
        zone = zone if zone.isalpha() else str(one.due.tzinfo)
        table.add_row(f"{one.due:%a %Y-%m-%d %H:%M:%S} {zone}", Text(label), Text(one.note, "yellow"))
    out.print(table)
    for label, number in left.items():
        times_words = "time" if number == 1 else "times"
        out.print(f"... and {number} more {times_words} of {label}", style="dim", highlight=False, soft_wrap=True)


def print_list(found: Sequence[Mapping[str, Any]]) -> None:
    """Show stored schedules with when each is due next and what became of its last times."""
    from zoneinfo import ZoneInfo

    from rich.text import Text

    out = console()
    # In a terminal what a schedule means stands below its name; elsewhere a line is a schedule.
    below = out.is_terminal
    table = _table(out, "schedule", *([] if below else ["due"]), "next", "last", "runs")
    for one in found:
        zone = ZoneInfo(one["zone"])
        name, words = Text(one["label"]), Text(one["words"], "dim")
        what = [Text("\n").join([name, words])] if below else [name, words]
        table.add_row(*what, _next(one, zone), _last(one, zone), _strip(one["ticks"]))
    out.print(table)


def print_history(ticks: Sequence[Tick], by_id: Mapping[str, Known]) -> None:
    """Show what became of times and causes: a line each, and below it what there is to say."""
    from rich.text import Text

    out = console()
    rows = [_row(tick, by_id[tick.schedule_id]) for tick in ticks]
    titles = ["due", "schedule", "state", "late", "time", "run"]
    widths = [max(len(row[at].plain) for row in rows) for at in range(len(titles))]
    widths = [max(width, len(title)) if width else 0 for width, title in zip(widths, titles, strict=True)]
    if out.is_terminal and len({row[1].plain for row in rows}) == 1:
        out.print(rows[0][1], style="bold", highlight=False)
        widths[1] = 0
    # A long name leaves no room for the runs: then they stand below.
    beside = sum(width + 2 for width in widths if width) - 2 <= out.width
    shown = [at for at, width in enumerate(widths) if width and (beside or titles[at] != "run")]
    out.print(_joined([Text(titles[at], "bold") for at in shown], [widths[at] for at in shown]), soft_wrap=True)
    for tick, row in zip(ticks, rows, strict=True):
        words = [one for one in ("" if beside else row[-1].plain, _cause(tick), tick.reason) if one]
        line = _joined([row[at] for at in shown], [widths[at] for at in shown])
        if out.is_terminal:
            out.print(line, soft_wrap=True)
            if words:
                out.print(_indented("; ".join(words)), highlight=False)
        else:
            out.print(line.append(f"  {'; '.join(words)}" if words else ""), soft_wrap=True)


def _row(tick: Tick, known: Known) -> list[Text]:
    from rich.text import Text

    from cellmill.run.words import duration

    number = f" ({tick.count} times)" if tick.count > 1 else ""
    tries = f" (attempt {tick.attempt})" if tick.attempt > 1 else ""
    return [
        Text(local(tick.due, known)),
        Text(known.label),
        Text(f"{tick.state}{number}{tries}", STYLES[tick.state]),
        Text(f"+{duration(max(0.0, tick.started - tick.due))}" if tick.started else "", "dim"),
        Text(duration(tick.ended - tick.started) if tick.ended and tick.started else "", "dim"),
        Text(tick.run_id or ""),
    ]


def _joined(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    from rich.text import Text

    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        line.append_text(cell).append(" " * (width - len(cell.plain) + 2))
    line.rstrip()
    return line


def _indented(words: str) -> Any:
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(words, "dim"), (0, 0, 0, 4))


def _cause(tick: Tick) -> str:
    causes = {"hand": "by hand", "file": f"for {tick.file}", "after": f"after run {tick.upstream}"}
    return causes.get(tick.cause, "")


def _next(told: Mapping[str, Any], zone: Any) -> Text:
    from rich.text import Text

    if told["paused"] or not told["enabled"]:
        return Text("paused" if told["paused"] else "not enabled", "yellow")
    if told["next"] is None:
        return Text("")
    return Text(f"{datetime.fromtimestamp(told['next'], zone):%a %m-%d %H:%M %Z}")


def _last(told: Mapping[str, Any], zone: Any) -> Text:
    from rich.text import Text

    last = next((tick for tick in told["ticks"] if tick["state"] != "queued"), None)
    if last is None:
        return Text("")
    found = Text(last["state"], STYLES[last["state"]])
    found.append(f" {datetime.fromtimestamp(last['due'], zone):%m-%d %H:%M}", "dim")
    return found


def _strip(ticks: Sequence[Mapping[str, Any]]) -> Text:
    """The last ticks as a strip, the latest to the right."""
    from rich.text import Text

    found = Text()
    for tick in reversed(ticks[:_STRIP]):
        found.append("○" if tick["state"] in ("skipped", "missed") else "●", STYLES[tick["state"]])
    return found


def _table(out: Console, *titles: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False)
    for title in titles:
        # Names and notes go on in the next line; times and states are never cut.
        table.add_column(title, no_wrap=title not in ("schedule", ""), overflow="fold")
    return table
