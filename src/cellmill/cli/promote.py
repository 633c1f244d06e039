"""The command ``cellmill promote``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.promote import Plan, PromotionRefused, Written


@click.command(short_help="Turn a tagged notebook into a pipeline folder.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--name", help="The pipeline's name; the notebook's if not given.")
@click.option(
    "--into", type=click.Path(path_type=Path), help="The folder for pipelines; <project>/pipelines if not given."
)
@click.option("--dry-run", is_flag=True, help="List the files that would be written, and write nothing.")
@click.option("--diff", is_flag=True, help="Show what would change as a unified diff, and write nothing.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand since the last promotion.")
@click.option("--verify", is_flag=True, help="Then run notebook and pipeline, and compare what their cells show.")
@click.pass_context
def promote(
    ctx: click.Context,
    notebook: Path,
    name: str | None,
    into: Path | None,
    dry_run: bool,
    diff: bool,
    force: bool,
    verify: bool,
) -> None:
    """Turn the tagged cells of NOTEBOOK into a Ploomber pipeline.

    The notebook is not changed. Promoting it again updates the pipeline; files that were edited by hand are not
    overwritten without --force.
    """
    from cellmill.promote import PromotionRefused, diff_plan, make_plan, write_plan

    if verify and (dry_run or diff):
        raise click.UsageError("--verify needs the pipeline to be written: leave out --dry-run and --diff.")
    try:
        plan = make_plan(notebook, name=name, into=into)
        if diff or dry_run:
            _preview(plan, diff_plan(plan) if diff else None)
            return
        written = write_plan(plan, force=force)
    except PromotionRefused as refused:
        _show_reasons(refused)
        raise
    _tell(plan, written, standing=not verify)
    if verify:
        from cellmill.cli.verify import verify_and_tell

        ctx.exit(0 if verify_and_tell(plan.folder) else 1)


def _preview(plan: Plan, diff: str | None) -> None:
    from cellmill.errors import shown

    if diff is None:
        click.echo(_listing(plan))
    elif diff:
        click.echo(diff, nl=False)
    else:
        click.echo(f"{shown(plan.folder)} is current: promotion would change nothing.", err=True)


def _listing(plan: Plan) -> str:
    from cellmill.errors import shown
    from cellmill.promote.write import changed_files

    changed = set(changed_files(plan))
    lines = [f"{shown(plan.folder)} (nothing is written)"]
    for path, content in sorted(plan.files.items()):
        state = "same" if path not in changed else "changed" if (plan.folder / path).exists() else "new"
        lines.append(f"  {state:<8} {len(content):>8,} bytes  {path}")
    return "\n".join(lines)


def _show_reasons(refused: PromotionRefused) -> None:
    """What the one sentence of the error has no room for: all findings, or the edits that would be lost."""
    click.echo(refused.lost, nl=False)
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
    click.echo(f"Run it with: cellmill run {folder}")
    if standing:
        from cellmill.cli.standing import standing_line

        click.echo(standing_line(plan.folder))
