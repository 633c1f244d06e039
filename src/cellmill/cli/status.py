"""The command ``cellmill status``: how the pipelines of a project stand."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {
    "broken": "bold red",
    "failing": "bold red",
    "running": "bold cyan",
    "ok": "green",
    "paused": "yellow",
    "new": "dim",
}
_RUNS = {
    "succeeded": "green",
    "failed": "red",
    "lost": "red",
    "running": "cyan",
    "missed": "yellow",
    "stopped": "yellow",
}


@click.command(short_help="Say how pipelines stand: runs, incidents, service levels.")
@click.argument("pipeline", required=False)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as one page that needs nothing else.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option(
    "--store",
    "url",
    metavar="URL",
    help="The schedulers' store; by default CELLMILL_STORE, else .cellmill/schedules.db.",
)
@click.pass_context
def status(ctx: click.Context, pipeline: str | None, page: Path | None, as_json: bool, url: str | None) -> None:
    """Say how PIPELINE stands, or each pipeline of the project that has a schedule or promises something (`slo:`).

    Exits with 1 if a service level does not hold, or if what is promised is wrong.
    """
    from cellmill.cli.paths import find_project
    from cellmill.monitor.status import project_status
    from cellmill.schedule.store import Store, store_url

    root, folders = find_project(pipeline)
    address = store_url(root, url)
    file = Path(address.removeprefix("sqlite:///"))
    # Looking changes nothing: where no schedule was ever stored, none is made up.
    absent = address.startswith("sqlite:///") and not file.exists()
    found = project_status(Store("sqlite://" if absent else address), root, folders, time.time())
    if page is not None:
        from cellmill.monitor.page import write_status_page

        write_status_page(found, page)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)
        if page is not None:
            click.echo(f"Written: {page}")
    for problem in found["problems"]:
        click.echo(f"Error: {problem}", err=True)
    ctx.exit(1 if found["broken"] or found["problems"] else 0)


def _print(found: Mapping[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    # A file or a pipe has no width: nothing is cut there.
    console = console if console.is_terminal else Console(width=240)
    if found["pipelines"]:
        console.print(_table(found, framed=console.is_terminal))
    elif not found["problems"]:
        click.echo(
            "No pipeline has a schedule or a service level; write one into its cellmill.yaml, under `schedule:`."
        )
    for pipeline in found["pipelines"]:
        for incident in pipeline["incidents"]:
            console.print(_incident(pipeline, incident), soft_wrap=True)
    for one in found["unsent"]:
        number = f"{one['count']} alert{'s' if one['count'] > 1 else ''}"
        what = "could not be sent to" if one["state"] == "failed" else "wait for"
        text = f"{number} {what} ${one['destination']} (since {_at(one['since'])})"
        console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if any(pipeline["schedules"] for pipeline in found["pipelines"]):
        click.echo(_schedulers(found))


def _table(found: Mapping[str, Any], *, framed: bool) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from cellmill.monitor.words import span

    promised = any(one["levels"] for one in found["pipelines"])
    table = Table(box=box.SIMPLE_HEAD if framed else None, pad_edge=False)
    titles = ["pipeline", "state", "last run", "next"]
    for title in [*titles, *(["success", "budget left", "burn 24 h", "freshness"] if promised else [])]:
        table.add_column(title, no_wrap=title != "pipeline", overflow="fold")
    for one in found["pipelines"]:
        cells = [Text(one["name"]), Text(one["state"], _STYLES[one["state"]]), _last(one["last"], found["at"])]
        cells.append(Text(f"in {span(max(0.0, one['next'] - found['at']))}" if one["next"] is not None else ""))
        table.add_row(*cells, *(_levels(one["levels"]) if promised else []))
    return table


def _levels(levels: Mapping[str, Any] | None) -> list[Text]:
    from rich.text import Text

    from cellmill.monitor.words import level_words

    success, budget, burn, fresh = Text(), Text(), Text(), Text()
    if levels is None:
        return [success, budget, burn, fresh]
    words = level_words(levels)
    bad = "bold red" if levels["success_broken"] else ""
    if words["budget"]:
        success.append(words["success"], bad).append(f" of {words['promised']}, {words['window']}", "dim")
        budget.append(words["budget"], bad)
        burn.append(words["burn_24h"], "red" if (levels["burn_24h"] or 0.0) > 1.000001 else "")
    else:
        success.append(words["success"], "dim")
    if words["freshness"]:
        fresh.append(words["age"], "bold red" if levels["freshness_broken"] else "")
        fresh.append(f" of {words['freshness']}", "dim")
    return [success, budget, burn, fresh]


def _last(last: Mapping[str, Any] | None, now: float) -> Text:
    from rich.text import Text

    from cellmill.monitor.words import span

    if last is None:
        return Text()
    text = Text().append(last["state"], _RUNS.get(last["state"], ""))
    at = last["ended"] or last["started"] or last["due"]
    long = span(max(0.0, now - at))
    return text.append(f" for {long}" if last["state"] == "running" else f" {long} ago", "dim")


def _incident(pipeline: Mapping[str, Any], incident: Mapping[str, Any]) -> Text:
    from rich.text import Text

    name = "" if incident["kind"] == "failure" else f"{pipeline['name']}: "
    text = Text().append("! ", "bold red").append(f"{name}{incident['words']}", "bold")
    if incident["since"] is not None:
        text.append(f" (since {_at(incident['since'])})")
    if incident["reason"]:
        text.append(f": {incident['reason']}")
    if incident["run_id"]:
        text.append(f" [cellmill runs --follow {incident['run_id']}]", "dim")
    return text


def _schedulers(found: Mapping[str, Any]) -> str:
    schedulers = found["schedulers"]
    if not schedulers:
        return "No scheduler runs; start one with: cellmill scheduler"
    names = ", ".join(f"process {one['pid']} on {one['host']}" for one in schedulers)
    return f"{'A scheduler runs' if len(schedulers) == 1 else f'{len(schedulers)} schedulers run'}: {names}."


def _at(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%a %Y-%m-%d %H:%M %Z}"
