"""The command ``cellmill check``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Say what stands between a notebook and its promotion.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings, the steps and their edges as JSON.")
@click.option("--show-ignored", is_flag=True, help="Print what comments and settings ignore, too, with the reasons.")
@click.pass_context
def check(ctx: click.Context, notebook: Path, as_json: bool, show_ignored: bool) -> None:
    """Say what stands between NOTEBOOK and its promotion.

    Exits with 1 if there are errors; warnings do not stop a promotion. What a code means: cellmill explain CODE.
    """
    from cellmill.notebook import read_notebook
    from cellmill.promote.plan import examine

    examined = examine(read_notebook(notebook))
    findings = examined.findings
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        from cellmill.cli.graph import as_graph
        from cellmill.cli.standing import as_data
        from cellmill.promote.certificate import pipeline_of

        content = {
            "notebook": str(notebook),
            "ready": not errors,
            "pipeline": as_data(pipeline_of(notebook)),
            "findings": [finding.as_dict() for finding in findings],
            "ignored": [finding.as_dict() for finding in examined.ignored],
            **as_graph(examined.steps, examined.dataflow),
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        from rich.console import Console

        from cellmill.cli.findings import count, print_findings, print_ignored
        from cellmill.cli.standing import pipeline_lines

        console = Console()
        print_findings(console, findings)
        print_ignored(console, examined.ignored, notebook, in_full=show_ignored)
        if errors:
            console.print(f"{notebook} is not ready for promotion: {count(findings)}.", highlight=False, soft_wrap=True)
        else:
            aside = f" ({count(findings)})" if findings else ""
            console.print(
                f"{notebook} is ready for promotion{aside}: cellmill promote {notebook}",
                highlight=False,
                soft_wrap=True,
            )
        for line in pipeline_lines(notebook):
            click.echo(line)
        if stale := examined.dataflow.stale:
            again = f"cellmill observe {notebook}"
            console.print(f"[dim]Observed only in part: {stale}; {again}[/]", highlight=False, soft_wrap=True)
    if errors:
        ctx.exit(1)
