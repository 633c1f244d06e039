"""The command ``cellmill promote``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection

    from cellmill.promote import Plan, PromotionRefused, Written
    from cellmill.promote.merge import Edits


@click.command(short_help="Turn a tagged notebook into a pipeline folder.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--name", help="The pipeline's name; the notebook's if not given.")
@click.option(
    "--into", type=click.Path(path_type=Path), help="The folder for pipelines; <project>/pipelines if not given."
)
@click.option("--dry-run", is_flag=True, help="Tell what would change and list the files; write nothing.")
@click.option("--diff", is_flag=True, help="Tell what would change, show it as a unified diff; write nothing.")
@click.option(
    "--keep-edits", is_flag=True, help="Where an edit by hand and the notebook are in conflict, keep the edit."
)
@click.option(
    "--conflicts",
    type=click.Choice(["refuse", "mark"]),
    default="refuse",
    show_default=True,
    help="What to do with conflicts: write nothing, or both sides with git's marks.",
)
@click.option(
    "--overwrite",
    "--force",
    "overwrite",
    is_flag=True,
    help="Overwrite all that was edited by hand since the last promotion.",
)
@click.option(
    "--overwrite-file",
    "overwritten",
    metavar="FILE",
    multiple=True,
    help="Overwrite what was edited by hand in this file of the pipeline, such as tasks/load.py; may be repeated.",
)
@click.option("--verify", is_flag=True, help="Then run notebook and pipeline, and compare what their cells show.")
@click.pass_context
def promote(
    ctx: click.Context,
    notebook: Path,
    name: str | None,
    into: Path | None,
    dry_run: bool,
    diff: bool,
    keep_edits: bool,
    conflicts: str,
    overwrite: bool,
    overwritten: tuple[str, ...],
    verify: bool,
) -> None:
    """Turn the tagged cells of NOTEBOOK into a Ploomber pipeline.

    The notebook is not changed. Promoting it again updates the pipeline: what was edited there by hand is merged with
    what changed in the notebook, cell by cell, and nothing is written while the two are in conflict. Exits with 1 then,
    and where --conflicts mark leaves something to decide.
    """
    from cellmill.promote import PromotionRefused, make_plan, write_plan
    from cellmill.promote.overwriting import files_named

    if verify and (dry_run or diff):
        raise click.UsageError("--verify needs the pipeline to be written: leave out --dry-run and --diff.")
    if keep_edits + overwrite + (conflicts == "mark") > 1:
        raise click.UsageError("Only one of --keep-edits, --overwrite and --conflicts mark can be said.")
    edits: Edits = "keep" if keep_edits else "mark" if conflicts == "mark" else "overwrite" if overwrite else "merge"
    try:
        plan = make_plan(notebook, name=name, into=into)
        files = files_named(plan, overwritten)
        if diff or dry_run:
            _preview(plan, edits, files, diff=diff)
            return
        written = write_plan(plan, force=overwrite, edits=edits, overwritten=files)
    except PromotionRefused as refused:
        _show_reasons(refused)
        raise
    undecided = edits == "mark" and bool(written.marked or written.decided or written.orphans)
    _tell(plan, written, standing=not verify, undecided=undecided)
    if undecided:
        ctx.exit(1)
    if verify:
        from cellmill.cli.verify import verify_and_tell

        ctx.exit(0 if verify_and_tell(plan.folder) else 1)


def _preview(plan: Plan, edits: Edits, overwritten: Collection[str], *, diff: bool) -> None:
    from cellmill.errors import shown
    from cellmill.promote.changes import told_diff

    if not diff:
        click.echo(_listing(plan, edits, overwritten))
    elif told := told_diff(plan, edits, overwritten=overwritten):
        click.echo(told, nl=False)
    else:
        click.echo(f"{shown(plan.folder)} is current: promotion would change nothing.", err=True)


def _listing(plan: Plan, edits: Edits, overwritten: Collection[str]) -> str:
    from cellmill.errors import shown
    from cellmill.promote import merge_plan
    from cellmill.promote.changes import changes_of
    from cellmill.promote.merge import in_words
    from cellmill.promote.write import files_to_write

    merge = merge_plan(plan, edits, overwritten=overwritten)
    written = set(files_to_write(plan, merge))
    lines = [f"{shown(plan.folder)} (nothing is written)"]
    lines += [f"  {one.text}" for one in changes_of(plan, merge)]
    for one in merge.files:
        quiet = one.state in ("new", "changed") and one.path not in written
        size = len(one.after or one.before or b"")
        lines.append(f"  {'same' if quiet else one.state:<11} {size:>8,} bytes  {one.path}")
    conflicts = in_words(plan.folder, (*merge.conflicts, *merge.decided))
    return "\n".join([*lines, *(f"Conflict: {one}." for one in conflicts)])


def _show_reasons(refused: PromotionRefused) -> None:
    """What the one sentence of the error has no room for: all findings, or each conflict."""
    click.echo(refused.preview, nl=False)
    for conflict in refused.conflicts:
        click.echo(f"Conflict: {conflict}.", err=True)
    errors = [finding for finding in refused.findings if finding.severity == "error"]
    if len(errors) > 1:
        from rich.console import Console

        from cellmill.cli.findings import print_findings

        print_findings(Console(), errors)


def _tell(plan: Plan, written: Written, *, standing: bool, undecided: bool) -> None:
    from rich.console import Console

    from cellmill.cli.findings import print_findings
    from cellmill.errors import shown
    from cellmill.promote.overwriting import told_of_edits

    print_findings(Console(), plan.findings)
    folder = shown(plan.folder)
    if not written.changed and not written.removed:
        click.echo(f"{folder} is current: nothing to write.")
    else:
        steps = f"{len(plan.steps.steps)} step{'s' if len(plan.steps.steps) != 1 else ''}"
        files = f"{len(written.changed)} file{'s' if len(written.changed) != 1 else ''}"
        gone = f", removed {', '.join(written.removed)}" if written.removed else ""
        click.echo(f"Promoted to {folder}: {steps}, wrote {files}{gone}.")
    for line in told_of_edits(written):
        click.echo(line)
    if undecided:
        _tell_undecided(written)
        return
    for one in written.decided:
        click.echo(f"In conflict, and the edit was kept: {one}.")
    click.echo(f"Run it with: cellmill run {folder}")
    if standing:
        from cellmill.cli.standing import standing_line

        click.echo(standing_line(plan.folder))


def _tell_undecided(written: Written) -> None:
    """What a person has to decide before the pipeline is run."""
    for _, told in written.marked:
        click.echo(f"Conflict, marked: {told}.", err=True)
    for one in written.decided:
        click.echo(f"Conflict, not marked, and the pipeline's side stands: {one}.", err=True)
    count = len(written.marked) + len(written.decided) + len(written.orphans)
    what = "1 conflict is" if count == 1 else f"{count} conflicts are"
    click.echo(f"{what} left to you: decide, and take out the marks, before you run the pipeline.", err=True)
