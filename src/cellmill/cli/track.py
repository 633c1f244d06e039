"""The ``cellmill track`` commands."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def track() -> None:
    """What runs recorded in MLflow."""


@track.command()
@click.option("--to", metavar="URI", help="Send to this tracking server, not to the one that the runs were meant for.")
def push(to: str | None) -> None:
    """Send the runs that the tracking server could not take.

    While the server was down they were kept in .cellmill/spool. What arrived is removed there; sending again after an
    interruption goes on where it stopped.
    """
    from cellmill.errors import CellmillError
    from cellmill.notebook import project_root
    from cellmill.track.push import Sent, push_spools

    root = project_root(Path.cwd())

    def report(sent: Sent) -> None:
        if sent.problem is None:
            count = "1 MLflow run" if sent.runs == 1 else f"{sent.runs} MLflow runs"
            click.echo(f"Sent {sent.spool.folder.name} to {sent.target}: {count}.")

    results = push_spools(root, to=to, report=report)
    if not results:
        click.echo("Nothing waits to be sent.")
    left = [sent for sent in results if sent.problem is not None]
    if left:
        count = "1 run waits" if len(left) == 1 else f"{len(left)} runs wait"
        raise CellmillError(
            f"{left[0].problem}; {count} in {left[0].spool.folder.parent}",
            remedy="when the server is back, type: cellmill track push",
        )
