"""The command ``cellmill verify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.promote.seal import Sealed
    from cellmill.promote.verification import Verification
    from cellmill.run import Listener


@click.command(short_help="Prove that a pipeline gives what its notebook gives.")
@click.argument("what", metavar="NOTEBOOK|PIPELINE")
@click.option(
    "-p",
    "--param",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter on both sides; may be repeated.",
)
@click.option("--run-record", type=click.Path(path_type=Path), hidden=True)
@click.option("--run-lock", type=int, hidden=True)
@click.pass_context
def verify(
    ctx: click.Context, what: str, assignments: tuple[str, ...], run_record: Path | None, run_lock: int | None
) -> None:
    """Run the notebook whole and the pipeline, and compare what each cell shows and each step hands over.

    The result is stamped into the pipeline's folder, with a report. The notebook's run is observed, too. Exits with 1
    if anything differs, or if the run contradicts what the notebook says of itself.
    """
    from cellmill.cli.paths import find_pipeline

    path = Path(what)
    found = path if path.suffix == ".ipynb" else find_pipeline(what)
    equal = verify_and_tell(found, assignments=assignments, record=run_record, lock=run_lock)
    ctx.exit(0 if equal else 1)


def verify_and_tell(
    path: Path, *, assignments: Sequence[str] = (), record: Path | None = None, lock: int | None = None
) -> bool:
    """Verify, print what was found, and say whether all is equal.

    Verifying a pipeline's folder is recorded as a run of its own kind.
    """
    from cellmill.cli.run import open_log

    if not path.is_dir():
        return _verify(path, assignments, ())[0]
    options = [part for text in assignments for part in ("-p", text)]
    with open_log(path, "verify", options, record, lock) as log:
        equal, message = _verify(path, assignments, (log,))
        log.ended(state="succeeded" if equal else "failed", message=message)
    return equal


def _verify(path: Path, assignments: Sequence[str], listeners: Sequence[Listener]) -> tuple[bool, str]:
    from rich.console import Console

    from cellmill.cli.findings import print_findings
    from cellmill.cli.progress import follow
    from cellmill.promote.seal import seal
    from cellmill.promote.verify import verify as verify_path

    console = Console()
    with follow(console, "Running the notebook") as listener:
        found = verify_path(path, assignments=assignments, listeners=(listener, *listeners))
    print_findings(console, found.findings)
    console.print(found.summary, highlight=False, markup=False, soft_wrap=True)
    sealed = seal(found)
    if sealed is not None:
        for line in _where(found, sealed):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    wrong = next((one for one in found.findings if one.severity == "error"), None)
    if wrong is not None and found.equal:
        return False, f"{wrong.message}."
    return found.equal, found.summary.splitlines()[-1]


def _where(found: Verification, sealed: Sealed) -> list[str]:
    from cellmill.errors import shown
    from cellmill.track import record_verification

    lines = [f"Report:  {shown(sealed.html)}"]
    lines += filter(None, [record_verification(found.folder, found.outcome, found.counts(), sealed.html, sealed.json)])
    return lines
