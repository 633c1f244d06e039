"""The command ``cellmill sweep``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cellmill.run.log import RunLog
    from cellmill.run.sweep import Goal, SweepResult


@click.command(short_help="Run a pipeline with many combinations of parameters.")
@click.argument("pipeline")
@click.option(
    "-p",
    "--param",
    "assignments",
    metavar="NAME=VALUE,VALUE",
    multiple=True,
    required=True,
    help="Values of a parameter to try; may be repeated. One value is set for all.",
)
@click.option("--random", "draw", type=click.IntRange(min=1), metavar="N", help="Run N of the combinations, by chance.")
@click.option("--seed", type=int, metavar="S", help="Decides which ones --random draws; 0 by default.")
@click.option("--metric", metavar="NAME", help="The metric by which combinations are compared.")
@click.option("--minimize", "direction", flag_value="minimize", help="The lowest value of the metric is the best.")
@click.option("--maximize", "direction", flag_value="maximize", help="The highest value of the metric is the best.")
@click.option("--env", "profile", metavar="PROFILE", help="Use env.PROFILE.yaml over env.yaml.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run up to N steps at once, of all combinations; by default one a core.",
)
@click.option(
    "--warm/--no-warm",
    default=None,
    help="Import once what the steps import, and fork their kernels from there (Linux); the default.",
)
@click.option("--wait", is_flag=True, help="Wait until another run of the pipeline has ended.")
@click.option("--promote-best", is_flag=True, help="Then write the best values into env.yaml, or the profile's file.")
@click.option("--yes", is_flag=True, help="With --promote-best: write without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and nothing else.")
@click.option("--run-record", type=click.Path(path_type=Path), hidden=True)
@click.option("--run-lock", type=int, hidden=True)
@click.pass_context
def sweep(
    ctx: click.Context,
    pipeline: str,
    assignments: tuple[str, ...],
    draw: int | None,
    seed: int | None,
    metric: str | None,
    direction: str | None,
    profile: str | None,
    jobs: int | None,
    warm: bool | None,
    wait: bool,
    promote_best: bool,
    yes: bool,
    as_json: bool,
    run_record: Path | None,
    run_lock: int | None,
) -> None:
    """Run PIPELINE with all combinations of the values that are given for its parameters.

    Steps that do not depend on what varies run once for all. What is up to date does not run again: the same command
    goes on where it stopped. Exits with 1 if a combination failed, with 130 if the sweep was stopped (Ctrl-C).
    """
    from cellmill.cli import STOPPED
    from cellmill.cli.paths import find_pipeline
    from cellmill.cli.run import open_log

    _check(draw, seed, metric, direction, promote_best=promote_best, yes=yes)
    if promote_best and not yes:
        _check_can_ask(as_json=as_json)
    options = Options(assignments, draw, seed or 0, metric, direction, profile, jobs, warm, wait, promote_best)
    folder = find_pipeline(pipeline)
    with open_log(folder, "sweep", options.as_words(), run_record, run_lock) as log:
        result = _run(folder, options, log, as_json=as_json)
    _check_metric(result)
    if promote_best and result.state != "stopped":
        _promote(result, yes=yes, quiet=as_json)
    ctx.exit({"succeeded": 0, "failed": 1, "stopped": STOPPED}[result.state])


@dataclass(frozen=True)
class Options:
    """What the command line says of how to sweep."""

    assignments: tuple[str, ...]
    draw: int | None
    seed: int
    metric: str | None
    direction: str | None
    profile: str | None
    jobs: int | None
    warm: bool | None
    wait: bool
    promote_best: bool

    @property
    def goal(self) -> Goal | None:
        """By what combinations are compared."""
        from cellmill.run.sweep import Goal

        if self.metric is None:
            return None
        return Goal(self.metric, "minimize" if self.direction == "minimize" else "maximize")

    def as_words(self) -> list[str]:
        """As they were typed."""
        words = [part for text in self.assignments for part in ("-p", text)]
        words += ["--random", str(self.draw), "--seed", str(self.seed)] if self.draw is not None else []
        words += ["--metric", self.metric, f"--{self.direction}"] if self.metric is not None else []
        words += ["--env", self.profile] if self.profile is not None else []
        words += ["--jobs", str(self.jobs)] if self.jobs is not None else []
        words += ["--warm" if self.warm else "--no-warm"] if self.warm is not None else []
        return words + (["--promote-best"] if self.promote_best else [])


def _check(
    draw: int | None, seed: int | None, metric: str | None, direction: str | None, *, promote_best: bool, yes: bool
) -> None:
    if seed is not None and draw is None:
        raise click.UsageError("--seed goes with --random.")
    if metric is None and direction is not None:
        raise click.UsageError(f"--{direction} goes with --metric NAME.")
    if metric is not None and direction is None:
        raise click.UsageError(f"Say whether the best {metric} is the lowest or the highest: --minimize or --maximize.")
    if promote_best and metric is None:
        raise click.UsageError("--promote-best goes with --metric NAME and --minimize or --maximize.")
    if yes and not promote_best:
        raise click.UsageError("--yes goes with --promote-best.")


def _check_can_ask(*, as_json: bool) -> None:
    """Said before the work, not after it: nobody may be there to answer."""
    import sys

    if as_json or not sys.stdin.isatty():
        raise click.UsageError(
            "--promote-best asks before it writes, and there is no terminal to ask in: add --yes to let it write."
        )


def _run(folder: Path, options: Options, log: RunLog, *, as_json: bool) -> SweepResult:
    import json

    from rich.console import Console

    from cellmill.cli.run import with_light_imports
    from cellmill.cli.sweep_view import follow_sweep, print_sweep
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.sweep import parse_values, run_sweep
    from cellmill.track import Tracker

    console = Console(quiet=as_json)
    values = parse_values(options.assignments, accepted_parameters(folder), where=folder)
    with follow_sweep(console, f"Preparing {folder.name}") as progress:

        def notice(text: str) -> None:
            if as_json:
                click.echo(text, err=True)
            progress.notice(text)
            log.notice(text)

        with Tracker(folder, on_notice=notice, start=False) as tracker:
            result = run_sweep(
                folder,
                values,
                profile=options.profile,
                draw=options.draw,
                seed=options.seed,
                goal=options.goal,
                listeners=(progress, tracker, log),
                warm=options.warm,
                jobs=options.jobs,
                wait=options.wait,
                **with_light_imports(tracker.hooks),
                run_id=log.run_id,
            )
    log.ended(mlflow=tracker.reference, closing=tracker.closing_lines)
    if as_json:
        click.echo(json.dumps(result.as_dict(), indent=2, ensure_ascii=False))
    else:
        print_sweep(console, result, tracker.closing_lines, again=["cellmill", "sweep", *_again(folder, options)])
    return result


def _again(folder: Path, options: Options) -> Sequence[str]:
    from cellmill.errors import shown

    return [shown(folder), *options.as_words()]


def _check_metric(result: SweepResult) -> None:
    """Say that there is nothing to compare by, if something has been measured or could have been."""
    from cellmill.run.sweep import check_goal

    if result.goal is not None and any(one.whole for one in result.combinations):
        check_goal(result.goal, result.metrics)


def _promote(result: SweepResult, *, yes: bool, quiet: bool) -> None:
    from cellmill.errors import shown
    from cellmill.run.sweep import promotion_of

    promotion = promotion_of(result)
    assert result.best is not None
    best = result.combinations[result.best].label
    name = shown(promotion.path)
    if not promotion.changes:
        click.echo(f"{name} has the best values already ({best}).", err=quiet)
        return
    click.echo(promotion.diff, nl=False, err=quiet)
    failed = sum(not one.whole for one in result.combinations)
    if failed:
        click.echo(f"{failed} of the {len(result.combinations)} combinations gave no result to compare.", err=quiet)
    if not yes and not click.confirm(f"Write the best values ({best}) into {name}?"):
        click.echo("Nothing was written.")
        return
    promotion.write()
    click.echo(f"Wrote {name}.", err=quiet)
