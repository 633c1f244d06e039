"""The command ``cellmill steps``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Show a notebook's steps and what they hand over.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print steps and edges as JSON.")
def steps(notebook: Path, as_json: bool) -> None:
    """Show the steps of NOTEBOOK: their cells, and which variables they hand to which step."""
    from cellmill.cli.graph import as_graph, print_graph
    from cellmill.cli.standing import as_data, pipeline_lines
    from cellmill.promote.certificate import pipeline_of
    from cellmill.promote.plan import read

    found, dataflow, findings = read(notebook)
    if as_json:
        content = {
            "notebook": str(notebook),
            "pipeline": as_data(pipeline_of(notebook)),
            **as_graph(found, dataflow),
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
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
