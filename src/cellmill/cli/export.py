"""The commands ``cellmill export``: a pipeline as a file of another orchestrator."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click


@click.group(short_help="Write a pipeline as a file of another orchestrator.")
def export() -> None:
    """Schedules of more than one machine belong to an orchestrator that has many: the declaration stays the same."""


@export.command()
@click.argument("pipeline")
@click.option(
    "-o",
    "--output",
    "dags",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dags"),
    show_default=True,
    help="The folder of the DAG file.",
)
@click.option("--schedule", "names", metavar="NAME", multiple=True, help="Only this schedule; may be repeated.")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day from which `misfire: all` makes up for times; as it is in the file, where one is there.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the file is not what would be written.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--force", is_flag=True, help="Write over a file that was edited.")
@click.pass_context
def airflow(
    ctx: click.Context,
    pipeline: str,
    dags: Path,
    names: tuple[str, ...],
    start: datetime | None,
    check: bool,
    diff: bool,
    force: bool,
) -> None:
    """Write PIPELINE as Airflow DAGs: one for each of its schedules, with one task for each step.

    Each task runs its step by `cellmill run --only`. What Airflow can't express is refused; what it does otherwise is
    said here and in the file.
    """
    from cellmill.cli.paths import find_pipeline
    from cellmill.errors import shown
    from cellmill.notebook import project_root
    from cellmill.schedule.export.airflow import airflow_export, file_name
    from cellmill.schedule.export.write import standing, start_of, write_export

    folder = find_pipeline(pipeline)
    dags = dags.resolve()
    day = start.date() if start is not None else start_of(dags / file_name(folder))
    made = airflow_export(folder, project_root(folder), dags, names=names, start=day)
    if check or diff:
        found = standing(made, dags)
        if diff:
            click.echo(found.diff, nl=False)
        good = found.state in ("current", "edited")
        if check or not found.diff:
            click.echo(f"{shown(found.path)} is {found.state}.", err=not good)
        ctx.exit(0 if good or not check else 1)
    before = write_export(made, dags, force=force)
    for notice in made.notices:
        click.echo(f"{notice}.", err=True)
    done = "Wrote" if before.diff or before.state == "missing" else "Unchanged:"
    click.echo(f"{done} {shown(before.path)}: {', '.join(made.dag_ids)}.")
