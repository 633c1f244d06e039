"""The command ``cellmill run``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from cellmill.run import RunResult
    from cellmill.run.log import RunKind, RunLog


@click.command(short_help="Run a pipeline.")
@click.argument("pipeline")
@click.option(
    "-p", "--param", "assignments", metavar="NAME=VALUE", multiple=True, help="Set a parameter; may be repeated."
)
@click.option("--env", "profile", metavar="PROFILE", help="Use env.PROFILE.yaml over env.yaml.")
@click.option("--force", is_flag=True, help="Run steps that are up to date as well.")
@click.option("--only", metavar="STEP", multiple=True, help="Run this step alone; may be repeated.")
@click.option("--from", "from_", metavar="STEP", help="Run this step and all that follow.")
@click.option("--skip", metavar="STEP", multiple=True, help="Leave this step out; may be repeated.")
@click.option(
    "--repair", is_flag=True, help="Run what the last run left undone, with its parameters: what failed and follows."
)
@click.option("--dry-run", "dry", is_flag=True, help="Say what would run and why; run and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print it as JSON.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run up to N steps at once that don't need each other; by default one a core.",
)
@click.option(
    "--warm/--no-warm",
    default=None,
    help="Import once what the steps import, and fork their kernels from there (Linux); the default.",
)
@click.option(
    "--executor",
    "run_on",
    type=click.Choice(["local", "dask"]),
    default="local",
    help="Where steps run: here, or on Dask workers (needs cellmill[dask]).",
)
@click.option("--scheduler", metavar="ADDRESS", help="With --executor dask: the scheduler, as in tcp://host:8786.")
@click.option("--wait", is_flag=True, help="Wait until another run of the pipeline has ended.")
@click.option("--code", type=click.Path(path_type=Path), hidden=True)
@click.option("--exported-as", "exported", hidden=True)
@click.option("--run-record", type=click.Path(path_type=Path), hidden=True)
@click.option("--run-lock", type=int, hidden=True)
@click.pass_context
def run(
    ctx: click.Context,
    pipeline: str,
    assignments: tuple[str, ...],
    profile: str | None,
    force: bool,
    only: tuple[str, ...],
    from_: str | None,
    skip: tuple[str, ...],
    repair: bool,
    dry: bool,
    as_json: bool,
    jobs: int | None,
    warm: bool | None,
    run_on: Literal["local", "dask"],
    scheduler: str | None,
    wait: bool,
    code: Path | None,
    exported: str | None,
    run_record: Path | None,
    run_lock: int | None,
) -> None:
    """Run PIPELINE: its folder, or its name under the project's pipelines.

    Only what is outdated runs. Exits with 1 if a step failed, with 130 if the run was stopped (Ctrl-C).
    """
    from cellmill.cli import STOPPED
    from cellmill.cli.paths import find_pipeline

    if only and (from_ is not None or skip):
        raise click.UsageError(f"--only and {'--skip' if skip else '--from'} exclude each other.")
    if scheduler is not None and run_on != "dask":
        raise click.UsageError("--scheduler goes with --executor dask.")
    if as_json and not dry:
        raise click.UsageError("--json goes with --dry-run; for runs that have been there is `cellmill runs --json`.")
    folder = find_pipeline(pipeline)
    if exported is not None:
        from cellmill.schedule.export.digest import check_exported

        check_exported(folder, exported)
    options = Options(assignments, profile, force, only, from_, skip, repair, warm, jobs, wait, run_on, scheduler, code)
    if dry:
        _tell(folder, options, as_json=as_json)
        return
    with open_log(folder, "run", options.as_words(), run_record, run_lock) as log:
        result = _run(folder, options, log)
    ctx.exit({"succeeded": 0, "failed": 1, "stopped": STOPPED}[result.state])


@dataclass(frozen=True)
class Options:
    """What the command line says of how to run."""

    assignments: tuple[str, ...]
    profile: str | None
    force: bool
    only: tuple[str, ...]
    from_: str | None
    skip: tuple[str, ...]
    repair: bool = False
    warm: bool | None = None
    jobs: int | None = None
    wait: bool = False
    run_on: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    code: Path | None = None

    def as_words(self) -> list[str]:
        """As they were typed."""
        words = [*self.lasting(), *(["--force"] if self.force else [])]
        words += [part for name in self.only for part in ("--only", name)]
        words += ["--from", self.from_] if self.from_ is not None else []
        return words + [part for name in self.skip for part in ("--skip", name)]

    def chosen(self) -> dict[str, Any]:
        """Those that say what is to be run, as ``run_pipeline`` and ``dry_run`` take them."""
        return {
            "profile": self.profile,
            "force": self.force,
            "only": self.only,
            "from_": self.from_,
            "skip": self.skip,
            "repair": self.repair,
        }

    def lasting(self) -> list[str]:
        """Those that the next run needs too."""
        words = [part for text in self.assignments for part in ("-p", text)]
        words += ["--repair"] if self.repair else []
        words += ["--warm" if self.warm else "--no-warm"] if self.warm is not None else []
        words += ["--executor", self.run_on] if self.run_on != "local" else []
        words += ["--scheduler", self.scheduler] if self.scheduler is not None else []
        words += ["--jobs", str(self.jobs)] if self.jobs is not None else []
        return words + (["--env", self.profile] if self.profile is not None else [])


def open_log(folder: Path, kind: RunKind, options: Sequence[str], record: Path | None, lock: int | None) -> RunLog:
    """Open the run's record: a new one, or that which Lab has made for a run that it starts.

    Parameters
    ----------
    folder
        The pipeline's folder.
    options
        The words after the pipeline's, for the record.
    record, lock
        The record that Lab has made, and its lock's descriptor.
    """
    import signal

    from cellmill.errors import shown
    from cellmill.run.log import RunLog

    if record is not None and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Lab stops its runs by this signal, also where the server itself ignores it (started in the background).
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return RunLog(
        folder,
        kind=kind,
        source="cli",
        command=("cellmill", kind, shown(folder), *options),
        record=record,
        lock=lock,
        on_notice=lambda text: click.echo(text, err=True),
    )


def with_light_imports(hooks: dict[str, Any]) -> dict[str, Any]:
    """A tracker's hooks, with the import of Ploomber and Papermill before work begins, without what few runs need."""
    from cellmill.lazy_imports import OF_ENGINES, put_off

    def before_work() -> None:
        # It has an import of seconds to begin, in a process of its own.
        hooks["before_work"]()
        with put_off(OF_ENGINES):
            import cellmill.run.executor  # noqa: F401

    return {**hooks, "before_work": before_work}


def _tell(folder: Path, options: Options, *, as_json: bool) -> None:
    import json

    from cellmill.run import dry_run
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.parameters import parse_assignments

    parameters = parse_assignments(options.assignments, accepted_parameters(folder), where=folder)
    told = dry_run(folder, parameters=parameters, **options.chosen())
    click.echo(json.dumps(told.as_dict(), indent=2, ensure_ascii=False) if as_json else "\n".join(told.lines))


def _run(folder: Path, options: Options, log: RunLog) -> RunResult:
    from rich.console import Console

    from cellmill.cli.outcome import print_outcome
    from cellmill.cli.progress import follow
    from cellmill.run import run_pipeline
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.parameters import parse_assignments
    from cellmill.track import Tracker

    console = Console()
    parameters = parse_assignments(options.assignments, accepted_parameters(options.code or folder), where=folder)
    with follow(console, f"Preparing {folder.name}") as progress:

        def notice(text: str) -> None:
            progress.notice(text)
            log.notice(text)

        with Tracker(folder, on_notice=notice, start=False) as tracker:
            result = run_pipeline(
                folder,
                parameters=parameters,
                **options.chosen(),
                warm=options.warm,
                jobs=options.jobs,
                run_on=options.run_on,
                scheduler=options.scheduler,
                wait=options.wait,
                code=options.code,
                # The record says that the run has ended once MLflow has it all.
                listeners=(progress, tracker, log),
                **with_light_imports(tracker.hooks),
                run_id=log.run_id,
            )
    log.ended(mlflow=tracker.reference, closing=tracker.closing_lines)
    print_outcome(console, result, options.lasting(), tracker.closing_lines, tracker.logged)
    return result
