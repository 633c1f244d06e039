"""The command ``cellmill tag``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Propose steps for a notebook that has no tags.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--from-headings", is_flag=True, help="Make a step of each section under a markdown heading.")
@click.option("--equal-parts", type=click.IntRange(min=1), metavar="N", help="Make N steps of about equal length.")
@click.option("--write", is_flag=True, help="Write the tags into the notebook; nothing else in the file changes.")
def tag(notebook: Path, from_headings: bool, equal_parts: int | None, write: bool) -> None:
    """Propose tags for the cells of NOTEBOOK that have none.

    Prints them; only --write changes the file.
    """
    from cellmill.notebook import read_notebook
    from cellmill.notebook.headings import WANTED, propose_tags
    from cellmill.notebook.parts import propose_parts
    from cellmill.notebook.tag_writer import write_tags

    if from_headings == (equal_parts is not None):
        raise click.UsageError(
            f"say where the steps come from: cellmill tag {notebook} --from-headings, or --equal-parts N"
        )
    found = read_notebook(notebook)
    proposals = propose_tags(found) if equal_parts is None else propose_parts(found, equal_parts)
    way = "--from-headings" if equal_parts is None else f"--equal-parts {equal_parts}"
    if not proposals:
        click.echo(f"Every code cell of {notebook} has a tag or needs none.")
        return
    for cell, proposed in proposals:
        first = next((line for line in cell.source.splitlines() if line.strip()), "")
        click.echo(f"cell {cell.number:>3}  {proposed:<28}  {_shortened(first)}")
    steps = len({proposed for _, proposed in proposals if proposed.startswith("step:")})
    if equal_parts is None and steps > WANTED[-1]:
        fewer = f"--equal-parts {WANTED[-1]}"
        click.echo(f"These are {steps} steps, and each runs by itself; fewer are easier to read: {fewer}.")
    number = f"{len(proposals)} tag{'s' if len(proposals) > 1 else ''}"
    if write:
        write_tags(notebook, proposals)
        click.echo(f"Wrote {number} into {notebook}; look at them with: cellmill check {notebook}")
    else:
        click.echo(f"{number} proposed, nothing written; to write them: cellmill tag {notebook} {way} --write")


def _shortened(line: str, width: int = 60) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
