"""The command ``cellmill reproduce``: a notebook in which a failed step fails again."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Write a notebook in which a failed step fails again.")
@click.argument("run")
@click.argument("step", required=False)
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write the notebook to this folder."
)
@click.option("--anyway", is_flag=True, help="Take the products that are there now, if those of the run are gone.")
def reproduce(run: str, step: str | None, into: Path | None, anyway: bool) -> None:
    """Write a notebook that loads what STEP was given in RUN, and holds the cells as they ran.

    RUN is an id as `cellmill runs` shows it or its beginning, `last` (the last run that failed), or a pipeline's folder
    or name (its last run that failed). STEP is by default the one that failed.

    The notebook goes to the pipeline's output folder, under a name that is not taken. `%reproduce` does the same in the
    kernel of an open notebook.
    """
    from cellmill.errors import shown
    from cellmill.files import write_bytes
    from cellmill.notebook import project_root
    from cellmill.run.reproduction import find_reproduction, find_run, source_notebook
    from cellmill.run.reproduction_notebook import free_path, opening_words, reproduction_notebook
    from cellmill.run.source_cells import source_cells

    place = Path(run).expanduser()
    root = project_root(place.resolve() if place.is_dir() else Path.cwd())
    found = find_reproduction(find_run(root, run), step, anyway=anyway)
    cells = source_cells(found, source_notebook(found))
    pipeline = found.run.pipeline
    there = pipeline is not None and (pipeline / "pipeline.yaml").is_file()
    folder = into or (pipeline / "output" if pipeline is not None and there else Path.cwd())
    path = free_path(folder, found)
    write_bytes(path, reproduction_notebook(found, cells))
    for note in found.notes:
        click.echo(note, err=True)
    what = f"failed with {found.error}" if found.failure else "did not fail"
    click.echo(f"Step {found.step} of run {found.run.run_id} {what}.")
    click.echo(f"Wrote {shown(path)}.")
    click.echo(f"Open it with: {opening_words(path)}")
