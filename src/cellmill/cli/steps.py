"""The command ``cellmill steps``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.findings import Finding


@click.command(short_help="Show a notebook's steps and what they hand over.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print steps and edges as JSON.")
@click.pass_context
def steps(ctx: click.Context, notebook: Path, as_json: bool) -> None:
    """Show the steps of NOTEBOOK: their cells, and which variables they hand to which step.

    Exits with 1 if the pipeline's files hold conflicts that nobody has decided.
    """
    undecided = _show(notebook, as_json=as_json)
    for finding in undecided:
        click.echo(f"Error: {finding.message}; {finding.remedy}.", err=True)
    ctx.exit(1 if undecided else 0)


def _show(notebook: Path, *, as_json: bool) -> list[Finding]:
    """Show them, and give the findings on the pipeline's files."""
    from cellmill.cli.graph import as_graph, print_graph
    from cellmill.cli.standing import as_data, pipeline_lines
    from cellmill.promote.certificate import pipeline_of
    from cellmill.promote.plan import read
    from cellmill.rules.folder import UndecidedConflict

    found, dataflow, findings = read(notebook)
    undecided = [one for one in findings if one.code == UndecidedConflict.code]
    if as_json:
        content = {
            "notebook": str(notebook),
            "pipeline": as_data(pipeline_of(notebook)),
            **as_graph(found, dataflow),
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return undecided
    from rich.console import Console

    from cellmill.cli.findings import count

    console = Console()
    print_graph(console, found, dataflow)
    if not found.steps:
        click.echo(f"{notebook} has no steps; see what it could have with: cellmill tag {notebook} --from-headings")
    elif findings:
        click.echo(f"\nReadiness has {count(findings)}: cellmill check {notebook}")
    for line in pipeline_lines(notebook):
        click.echo(line)
    return undecided
