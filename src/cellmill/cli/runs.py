"""The command ``cellmill runs``: what has run and what runs now, wherever it was started."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from cellmill.run import LoggedRun

_STYLES = {
    "queued": "cyan",
    "running": "bold cyan",
    "succeeded": "green",
    "failed": "bold red",
    "stopped": "yellow",
    "lost": "bold red",
    "refused": "red",
}
# Seconds between two looks at a run that goes on.
_PAUSE = 0.2


@click.command(short_help="List runs, or follow one that goes on.")
@click.argument("pipeline", required=False)
@click.option("--follow", "follow_id", metavar="ID", help="Show this run as it goes on, until it has ended.")
@click.option(
    "--state", "states", type=click.Choice([*_STYLES]), multiple=True, help="List only these; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
@click.pass_context
def runs(
    ctx: click.Context,
    pipeline: str | None,
    follow_id: str | None,
    states: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """List the runs of PIPELINE, or of all pipelines of the project, newest first.

    Runs that were started in a notebook, in JupyterLab or in another terminal are among them. With --follow, exits as
    `cellmill run` does: with 1 if the run failed, with 130 if it was stopped.
    """
    from cellmill.cli import STOPPED
    from cellmill.cli.paths import find_pipeline
    from cellmill.cli.standing import as_data, unproven_lines
    from cellmill.notebook import project_root
    from cellmill.run import read_run
    from cellmill.run.database import find_runs

    folder = find_pipeline(pipeline) if pipeline is not None else None
    root = project_root(folder or Path.cwd())
    if follow_id is not None:
        state = _follow(read_run(root, follow_id), as_json=as_json)
        ctx.exit({"succeeded": 0, "stopped": STOPPED}.get(state, 1))
    found = find_runs(root, pipeline=folder, states=states, limit=limit)
    pipelines = list(dict.fromkeys(Path(run["pipeline"]) for run in found if run["pipeline"]))
    if as_json:
        proven = [told for one in pipelines if (told := as_data(one)) is not None]
        content = {"runs": found, "pipelines": proven}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    elif found:
        from rich.console import Console

        console = Console()
        # A file or a pipe has no width: nothing is cut there.
        _print_runs(console if console.is_terminal else Console(width=200), found)
        for line in unproven_lines(pipelines):
            console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
    elif states:
        click.echo(f"No run is {' or '.join(states)}.")
    else:
        click.echo("Nothing has run yet; start with: cellmill run PIPELINE")


def _print_runs(console: Console, found: Sequence[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from cellmill.run.history import GOING

    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for title in ("run", "pipeline", "state", "started", "time", "by", "steps"):
        table.add_column(title, no_wrap=True)
    for told in found:
        what = told["name"] if told["kind"] == "run" else f"{told['name']} ({told['kind']})"
        table.add_row(
            told["run_id"],
            Text(what),
            Text(told["state"], _STYLES.get(told["state"], "")),
            f"{datetime.fromtimestamp(told['started']).astimezone():%Y-%m-%d %H:%M}",
            Text(_time(told), "dim"),
            told["source"],
            Text(_steps(told["tasks"]), "dim"),
        )
    console.print(table)
    going = next((told for told in found if told["state"] in GOING), None)
    if going is not None:
        console.print(f"Watch it with: cellmill runs --follow {going['run_id']}", markup=False, highlight=False)


def _time(run: dict[str, Any]) -> str:
    from cellmill.run.words import duration

    if run["seconds"] is None and run["state"] == "running":
        return duration(max(0.0, time.time() - run["started"]))
    return duration(run["seconds"]) if run["seconds"] is not None else ""


def _steps(tasks: Sequence[dict[str, Any]]) -> str:
    words = {"running": "running", "failed": "failed", "done": "done", "up-to-date": "up to date"}
    states = [task["state"] for task in tasks]
    return ", ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)


def _follow(run: LoggedRun, *, as_json: bool) -> str:
    """Show a run from its first event to its end, and give its state."""
    from rich.console import Console

    from cellmill.cli.progress import follow
    from cellmill.cli.standing import unproven_lines
    from cellmill.run.events import Event
    from cellmill.run.history import read_events
    from cellmill.run.words import duration

    console = Console()
    seen = 0
    with nullcontext() if as_json else follow(console, f"Waiting for {run.run_id}") as progress:
        while True:
            # Looked at first: what was written before it ended is then shown.
            run.refresh()
            over = not run.goes_on
            for told in read_events(run.record, seen):
                seen = told["seq"]
                if progress is None:
                    click.echo(json.dumps(told, ensure_ascii=False))
                else:
                    progress(Event(told["kind"], told["task"], told["data"], told["at"]))
            if over:
                break
            time.sleep(_PAUSE)
    if not as_json:
        told = run.as_dict()
        style = _STYLES.get(run.state, "")
        after = f" after {duration(told['seconds'])}" if told["seconds"] is not None else ""
        console.print(f"[{style}]{run.state.capitalize()}[/]{after}.", highlight=False)
        if told["message"]:
            console.print(told["message"], markup=False, highlight=False, soft_wrap=True)
        for line in unproven_lines([run.pipeline] if run.pipeline is not None else []):
            console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
    return run.state
