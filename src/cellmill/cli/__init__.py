"""The command ``cellmill``: imports only the command that is asked for, and tells errors in one sentence."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from cellmill import __version__
from cellmill.errors import CellmillError

STOPPED = 130

# Name: what `cellmill --help` says of it. The module and the object in it have the same name.
COMMANDS = {
    "check": "Say what stands between a notebook and its promotion.",
    "export": "Write a pipeline as a file of another orchestrator.",
    "explain": "Say what a finding's code means, why it matters and what to do.",
    "observe": "Run a notebook once and record what its steps really change.",
    "promote": "Turn a tagged notebook into a pipeline folder.",
    "reproduce": "Write a notebook in which a failed step fails again.",
    "run": "Run a pipeline.",
    "runs": "List runs, or follow one that goes on.",
    "schedule": "Check, preview, apply and follow schedules.",
    "scheduler": "Run what schedules declare, until it is stopped.",
    "status": "Say how pipelines stand: runs, incidents, service levels.",
    "steps": "Show a notebook's steps and what they hand over.",
    "stop": "Stop a run that goes on.",
    "sweep": "Run a pipeline with many combinations of parameters.",
    "sync": "Bring edits of a pipeline's tasks back into its notebook.",
    "tag": "Propose steps for a notebook that has no tags.",
    "track": "What runs recorded in MLflow.",
    "verify": "Prove that a pipeline gives what its notebook gives.",
}


class LazyGroup(click.Group):
    """Lists commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command that is used."""
        if cmd_name not in COMMANDS:
            return None
        from cellmill.garbage_collection import collected_later
        from cellmill.lazy_imports import put_off_slow_imports

        put_off_slow_imports()
        with collected_later():
            command = getattr(importlib.import_module(f"cellmill.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the close match for a name that is not there."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = get_close_matches(name, COMMANDS, n=1)
            guess = f"; did you mean {close[0]}?" if close else "."
            ctx.fail(f"There is no command {name}{guess}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the names with what was written of them above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``--traceback`` wherever it stands: it is typed after a command that went wrong."""
        own = args[: args.index("--")] if "--" in args else args
        if "--traceback" in own:
            own.remove("--traceback")
            args = ["--traceback", *(own if own is args else args[args.index("--traceback") + 1 :])]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever it raises becomes one sentence."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(STOPPED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            if ctx.params.get("traceback"):
                traceback.print_exc()
            elif isinstance(error, CellmillError):
                click.echo(f"Error: {error}", err=True)
            else:
                click.echo(f"Error: {_unexpected(error)}", err=True)
            ctx.exit(1)


def _unexpected(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}cellmill{os.sep}" in frame.filename]
    where = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    words = " ".join(str(error).split())
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return f"{what[:300]} (unexpected{where}; run it again with --traceback for all of it)."


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cellmill")
@click.option("--traceback", is_flag=True, envvar="CELLMILL_TRACEBACK", help="Show an error with its traceback.")
def main(traceback: bool) -> None:
    """From notebook cells to production pipelines, and back."""


if __name__ == "__main__":
    sys.exit(main())
