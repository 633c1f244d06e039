"""The command ``cellmill observe``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Run a notebook once and record what its steps really change.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what was seen of each step as JSON.")
@click.pass_context
def observe(ctx: click.Context, notebook: Path, as_json: bool) -> None:
    """Run the tagged cells of NOTEBOOK once and record what each step really makes and changes.

    From then on `check`, `steps` and `promote` join what was seen with what the source says, for as long as the cells
    are those that ran. Exits with 1 if the run contradicts what the notebook says of itself.
    """
    from cellmill.cli.findings import print_findings
    from cellmill.cli.graph import as_graph, print_graph
    from cellmill.errors import shown
    from cellmill.observe import observe as observe_path
    from cellmill.promote.observing import told_by_a_run
    from cellmill.promote.plan import read

    found = observe_path(notebook)
    steps, dataflow, findings = read(notebook)
    told = told_by_a_run(findings)
    if as_json:
        parts = {
            name: {
                "changes": dict(facts.changes),
                "together": [list(group) for group in facts.together],
                "states": dict(facts.states),
                "names": {one: {"type": fact.type, "bytes": fact.size} for one, fact in facts.names.items()},
            }
            for name, facts in found.evidence.parts.items()
        }
        content = {
            "notebook": str(notebook),
            "record": str(found.record),
            "seconds": round(found.seconds, 2),
            "parts": parts,
            "findings": [one.as_dict() for one in told],
            **as_graph(steps, dataflow),
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        from rich.console import Console

        console = Console()
        print_graph(console, steps, dataflow)
        print_findings(console, told)
        click.echo(f"Observed {notebook} in {found.seconds:.1f} s: {shown(found.record)}")
    if any(one.severity == "error" for one in told):
        ctx.exit(1)
