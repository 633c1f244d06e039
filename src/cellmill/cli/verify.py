"""The command ``cellmill verify``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Prove that a pipeline gives what its notebook gives.")
@click.argument("what", metavar="NOTEBOOK|PIPELINE")
@click.pass_context
def verify(ctx: click.Context, what: str) -> None:
    """Run the notebook whole and the pipeline, and compare what each promoted cell shows.

    Exits with 1 if anything differs.
    """
    from cellmill.cli.paths import find_pipeline

    path = Path(what)
    ctx.exit(0 if verify_and_tell(path if path.suffix == ".ipynb" else find_pipeline(what)) else 1)


def verify_and_tell(path: Path) -> bool:
    """Verify, print what was found, and say whether all is equal."""
    from rich.console import Console

    from cellmill.cli.progress import follow
    from cellmill.promote.verify import verify as verify_path

    console = Console()
    with follow(console, "Running the notebook") as listener:
        found = verify_path(path, listeners=(listener,))
    console.print(found.summary, highlight=False, markup=False, soft_wrap=True)
    return found.equal
