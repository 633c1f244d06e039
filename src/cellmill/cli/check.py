"""The command ``cellmill check``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Say what stands between a notebook and its promotion.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings, the steps and their edges as JSON.")
@click.pass_context
def check(ctx: click.Context, notebook: Path, as_json: bool) -> None:
    """Say what stands between NOTEBOOK and its promotion.

    Exits with 1 if there are errors; warnings do not stop a promotion.
    """
    from cellmill.promote.plan import read

    steps, dataflow, findings = read(notebook)
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        from cellmill.cli.graph import as_graph

        content = {
            "notebook": str(notebook),
            "ready": not errors,
            "findings": [finding.as_dict() for finding in findings],
            **as_graph(steps, dataflow),
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        from rich.console import Console

        from cellmill.cli.findings import count, print_findings

        console = Console()
        print_findings(console, findings)
        if errors:
            console.print(f"{notebook} is not ready for promotion: {count(findings)}.", highlight=False, soft_wrap=True)
        else:
            aside = f" ({count(findings)})" if findings else ""
            console.print(
                f"{notebook} is ready for promotion{aside}: cellmill promote {notebook}",
                highlight=False,
                soft_wrap=True,
            )
        if dataflow.stale:
            again = f"cellmill observe {notebook}"
            console.print(f"[dim]Observed only in part: {dataflow.stale}; {again}[/]", highlight=False, soft_wrap=True)
    if errors:
        ctx.exit(1)
