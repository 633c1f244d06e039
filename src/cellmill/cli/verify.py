"""The command ``cellmill verify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.run import Listener


@click.command(short_help="Prove that a pipeline gives what its notebook gives.")
@click.argument("what", metavar="NOTEBOOK|PIPELINE")
@click.option("--run-record", type=click.Path(path_type=Path), hidden=True)
@click.option("--run-lock", type=int, hidden=True)
@click.pass_context
def verify(ctx: click.Context, what: str, run_record: Path | None, run_lock: int | None) -> None:
    """Run the notebook whole and the pipeline, and compare what each promoted cell shows.

    Exits with 1 if anything differs.
    """
    from cellmill.cli.paths import find_pipeline

    path = Path(what)
    found = path if path.suffix == ".ipynb" else find_pipeline(what)
    ctx.exit(0 if verify_and_tell(found, record=run_record, lock=run_lock) else 1)


def verify_and_tell(path: Path, *, record: Path | None = None, lock: int | None = None) -> bool:
    """Verify, print what was found, and say whether all is equal.

    Verifying a pipeline's folder is recorded as a run of its own kind.
    """
    from cellmill.cli.run import open_log

    if not path.is_dir():
        return _verify(path, ())[0]
    with open_log(path, "verify", (), record, lock) as log:
        equal, message = _verify(path, (log,))
        log.ended(state="succeeded" if equal else "failed", message=message)
    return equal


def _verify(path: Path, listeners: Sequence[Listener]) -> tuple[bool, str]:
    from rich.console import Console

    from cellmill.cli.progress import follow
    from cellmill.promote.verify import verify as verify_path

    console = Console()
    with follow(console, "Running the notebook") as listener:
        found = verify_path(path, listeners=(listener, *listeners))
    console.print(found.summary, highlight=False, markup=False, soft_wrap=True)
    return found.equal, found.summary.splitlines()[-1]
