"""The command ``cellmill run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.run import RunResult


@click.command(short_help="Run a pipeline.")
@click.argument("pipeline")
@click.option(
    "-p", "--param", "assignments", metavar="NAME=VALUE", multiple=True, help="Set a parameter; may be repeated."
)
@click.option("--env", "profile", metavar="PROFILE", help="Use env.PROFILE.yaml over env.yaml.")
@click.option("--force", is_flag=True, help="Run steps that are up to date as well.")
@click.option("--only", metavar="STEP", help="Run this step alone.")
@click.option("--from", "from_", metavar="STEP", help="Run this step and all that follow.")
@click.pass_context
def run(
    ctx: click.Context,
    pipeline: str,
    assignments: tuple[str, ...],
    profile: str | None,
    force: bool,
    only: str | None,
    from_: str | None,
) -> None:
    """Run PIPELINE: its folder, or its name under the project's pipelines.

    Only what is outdated runs. Exits with 1 if a step failed, with 130 if the run was stopped (Ctrl-C).
    """
    from cellmill.cli import STOPPED
    from cellmill.cli.paths import find_pipeline

    if only is not None and from_ is not None:
        raise click.UsageError("--only and --from exclude each other.")
    folder = find_pipeline(pipeline)
    result = _run(folder, assignments, profile, force=force, only=only, from_=from_)
    ctx.exit({"succeeded": 0, "failed": 1, "stopped": STOPPED}[result.state])


def _run(
    folder: Path,
    assignments: tuple[str, ...],
    profile: str | None,
    *,
    force: bool,
    only: str | None,
    from_: str | None,
) -> RunResult:
    from rich.console import Console

    from cellmill.cli.outcome import print_outcome
    from cellmill.cli.progress import follow
    from cellmill.run import run_pipeline
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.parameters import parse_assignments
    from cellmill.track import Tracker

    console = Console()
    parameters = parse_assignments(assignments, accepted_parameters(folder), where=folder)
    with follow(console, f"Preparing {folder.name}") as progress:
        tracker = Tracker(folder, on_notice=progress.notice)
        try:
            result = run_pipeline(
                folder,
                parameters=parameters,
                profile=profile,
                force=force,
                only=only,
                from_=from_,
                listeners=(progress, tracker),
                task_environment=tracker.task_environment,
            )
        finally:
            tracker.close()
    options = [part for text in assignments for part in ("-p", text)]
    options += ["--env", profile] if profile is not None else []
    print_outcome(console, result, options, tracker.closing_lines)
    return result
