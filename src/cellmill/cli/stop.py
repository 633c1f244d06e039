"""The command ``cellmill stop``: ends a run from another terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cellmill.errors import CellmillError

if TYPE_CHECKING:
    from cellmill.run import LoggedRun


@click.command(short_help="Stop a run that goes on.")
@click.argument("run_or_pipeline", metavar="RUN|PIPELINE")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long for its end.",
)
def stop(run_or_pipeline: str, timeout: float) -> None:
    """Stop the run with this id, or the runs of this pipeline, as Ctrl-C in their own terminal does.

    The step that runs is interrupted; its kernel is gone when the command ends. The next `cellmill run` goes on from
    there. Exits with 1 if nothing runs, or if a run does not end in time.
    """
    from cellmill.run.stop_process import ask_to_stop, wait_for_end

    going = _going(run_or_pipeline)
    for run in going:
        if not ask_to_stop(run):
            raise CellmillError(
                f"the process of run {run.run_id} can't be reached from here", remedy="stop it where it was started"
            )
    for run in going:
        if not wait_for_end(run, timeout):
            raise CellmillError(
                f"run {run.run_id} was asked to stop and has not ended after {timeout:g} s",
                remedy=f"look at it with `cellmill runs --follow {run.run_id}`, or end its process {run.pid}",
            )
        name = run.pipeline.name if run.pipeline is not None else ""
        click.echo(f"Run {run.run_id} of {name}: {run.state}.")


def _going(wanted: str) -> Sequence[LoggedRun]:
    """The runs that are meant and go on."""
    from cellmill.cli.paths import find_pipeline
    from cellmill.notebook import project_root
    from cellmill.run import list_runs, read_run
    from cellmill.run.log import RUN_ID

    if RUN_ID.fullmatch(wanted):
        run = read_run(project_root(Path.cwd()), wanted)
        if not run.goes_on:
            raise CellmillError(f"run {wanted} does not run any more: it {_ended(run.state)}")
        return [run]
    folder = find_pipeline(wanted)
    going = [run for run in list_runs(project_root(folder), pipeline=folder) if run.goes_on]
    if not going:
        raise CellmillError(f"nothing of {folder.name} runs now", remedy="type `cellmill runs` to see what has run")
    return going


def _ended(state: str) -> str:
    return {"stopped": "was stopped", "lost": "is lost", "refused": "was refused"}.get(state, state)
