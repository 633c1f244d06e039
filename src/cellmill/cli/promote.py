"""The command ``cellmill promote``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
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
    verify: bool,
) -> None:
    """Turn the tagged cells of NOTEBOOK into a Ploomber pipeline.

    The notebook is not changed. Promoting it again updates the pipeline: what was edited there by hand is merged with
    what changed in the notebook, cell by cell, and nothing is written while the two are in conflict.
    """
    from cellmill.promote import PromotionRefused, make_plan, write_plan

    if verify and (dry_run or diff):
        raise click.UsageError("--verify needs the pipeline to be written: leave out --dry-run and --diff.")
    if keep_edits + overwrite + (conflicts == "mark") > 1:
        raise click.UsageError("Only one of --keep-edits, --overwrite and --conflicts mark can be said.")
    edits: Edits = "keep" if keep_edits else "mark" if conflicts == "mark" else "overwrite" if overwrite else "merge"
    try:
        plan = make_plan(notebook, name=name, into=into)
        if diff or dry_run:
            _preview(plan, edits, diff=diff)
            return
        written = write_plan(plan, force=overwrite, edits=edits)
    except PromotionRefused as refused:
        _show_reasons(refused)
        raise
    _tell(plan, written, standing=not verify)
    if verify:
        from cellmill.cli.verify import verify_and_tell

        ctx.exit(0 if verify_and_tell(plan.folder) else 1)


def _preview(plan: Plan, edits: Edits, *, diff: bool) -> None:
    from cellmill.errors import shown
    from cellmill.promote.changes import told_diff

    if not diff:
        click.echo(_listing(plan, edits))
    elif told := told_diff(plan, edits):
        click.echo(told, nl=False)
    else:
        click.echo(f"{shown(plan.folder)} is current: promotion would change nothing.", err=True)


def _listing(plan: Plan, edits: Edits) -> str:
    from cellmill.errors import shown
    from cellmill.promote import merge_plan
    from cellmill.promote.changes import changes_of
    from cellmill.promote.merge import in_words
    from cellmill.promote.write import files_to_write

    merge = merge_plan(plan, edits)
    written = set(files_to_write(plan, merge))
    lines = [f"{shown(plan.folder)} (nothing is written)"]
    lines += [f"  {one.text}" for one in changes_of(plan, merge)]
    for one in merge.files:
        quiet = one.state in ("new", "changed") and one.path not in written
        size = len(one.after or one.before or b"")
        lines.append(f"  {'same' if quiet else one.state:<11} {size:>8,} bytes  {one.path}")
    return "\n".join([*lines, *(f"Conflict: {one}." for one in in_words(plan.folder, merge.conflicts))])


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


def _tell(plan: Plan, written: Written, *, standing: bool) -> None:
    from rich.console import Console

    from cellmill.cli.findings import print_findings
    from cellmill.errors import shown

    print_findings(Console(), plan.findings)
    folder = shown(plan.folder)
    if not written.changed and not written.removed:
        click.echo(f"{folder} is current: nothing to write.")
    else:
        steps = f"{len(plan.steps.steps)} step{'s' if len(plan.steps.steps) != 1 else ''}"
        files = f"{len(written.changed)} file{'s' if len(written.changed) != 1 else ''}"
        gone = f", removed {', '.join(written.removed)}" if written.removed else ""
        click.echo(f"Promoted to {folder}: {steps}, wrote {files}{gone}.")
    if merged := [path for path in written.merged if path in written.changed]:
        click.echo(f"Edits made by hand were merged with the notebook's changes in {', '.join(merged)}.")
    if written.kept:
        click.echo(f"Edited by hand, and kept: {', '.join(written.kept)}.")
    click.echo(f"Run it with: cellmill run {folder}")
    if standing:
        from cellmill.cli.standing import standing_line

        click.echo(standing_line(plan.folder))
