"""The command ``cellmill sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.promote.sync import Sync


@click.command(short_help="Bring edits of a pipeline's tasks back into its notebook.")
@click.argument("pipeline")
@click.option("--dry-run", is_flag=True, help="Name the cells that would change, and write nothing.")
@click.option("--diff", is_flag=True, help="Show what would change in the cells as a unified diff; write nothing.")
@click.pass_context
def sync(ctx: click.Context, pipeline: str, dry_run: bool, diff: bool) -> None:
    """Bring what was edited by hand in the tasks of PIPELINE back into the cells of its notebook.

    An edit goes into the cell that the task's mark names, a cell added between two becomes a new cell of the step.
    Where a cell has changed in the notebook too, in the same lines, its edit stays in the pipeline and is named; the
    others are brought back. Exits with 1 then.
    """
    from cellmill.cli.paths import find_pipeline
    from cellmill.cli.standing import standing_line
    from cellmill.errors import shown
    from cellmill.promote.sync import plan_sync, write_sync

    folder = find_pipeline(pipeline)
    planned = plan_sync(folder)
    if diff:
        click.echo(planned.diff(), nl=False)
    if not (dry_run or diff):
        write_sync(planned)
    notebook = shown(planned.notebook)
    for one in planned.cells:
        what = "a new cell, from" if one.before is None else "the edit of"
        click.echo(f"{notebook}, cell {one.number}: {what} {one.file}", err=diff)
    for told in planned.left_out:
        click.echo(f"Not brought back: {told}", err=diff)
    if not planned.cells:
        left = " without a conflict" if planned.conflicts else ""
        told = f"Nothing to bring back: no cell of {notebook} was edited{left} in {shown(folder)}."
        click.echo(told, err=diff)
    elif dry_run or diff:
        click.echo("Nothing is written.", err=diff)
    else:
        click.echo(f"Run the changed cells again and save {notebook}: their old outputs are gone.")
        if planned.merge is None and not planned.conflicts:
            click.echo(f"The notebook has other changes too; take them over with: cellmill promote {notebook}")
        click.echo(standing_line(folder))
    if planned.conflicts:
        _tell_conflicts(planned)
        ctx.exit(1)


def _tell_conflicts(planned: Sync) -> None:
    """Which edits stay in the pipeline, and how to decide about them alone."""
    from cellmill.errors import shown

    for conflict in planned.conflicts:
        click.echo(f"Conflict: {conflict}.", err=True)
    files = " ".join(f"--overwrite-file {file}" for file in planned.disputed)
    command = f"cellmill promote {shown(planned.notebook)}"
    click.echo(
        f"These edits stay in the pipeline: write each as it should be into its cell and type `{command} {files}`, "
        f"or keep them there alone with `{command} --keep-edits`.",
        err=True,
    )
