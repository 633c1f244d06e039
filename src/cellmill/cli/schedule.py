"""The commands ``cellmill schedule``: what is due when, and what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cellmill.errors import CellmillError
    from cellmill.schedule.declare import Known
    from cellmill.schedule.store import Store

_store_option = click.option(
    "--store",
    "url",
    metavar="URL",
    help="The schedulers' store; by default CELLMILL_STORE, else .cellmill/schedules.db.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group(short_help="Check, preview, apply and follow schedules.")
def schedule() -> None:
    """Schedules are declared in a folder's cellmill.yaml, under `schedule:`; `cellmill scheduler` runs them."""


@schedule.command()
@click.argument("pipeline", required=False)
@_json_option
@click.pass_context
def check(ctx: click.Context, pipeline: str | None, as_json: bool) -> None:
    """Check the schedules of PIPELINE, or of the whole project, and say what they mean; what `slo:` promises, too.

    Exits with 1 if one of them is wrong.
    """
    from cellmill.monitor.slo import problems_of
    from cellmill.schedule.project import look_at
    from cellmill.schedule.triggers import next_times

    root, folders = _folders(pipeline)
    found = look_at(root, folders, time.time())
    problems = [*found.problems, *_others(problems_of(found.folders), found.problems)]
    if as_json:
        told = {
            "schedules": [
                {
                    "pipeline": one.folder.name,
                    "name": one.name,
                    "words": one.settings.words(),
                    "next": [at.isoformat() for at in next_times(one.settings.trigger, datetime.now(UTC), 5)],
                }
                for one in found.declared
            ],
            "problems": [{"message": str(one), "understood": getattr(one, "understood", ())} for one in problems],
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        ctx.exit(1 if problems else 0)
    for one in found.declared:
        times = next_times(one.settings.trigger, datetime.now(UTC), 5)
        click.echo(
            f"{one.folder.name}/{one.name}: {one.settings.words()}{'' if one.settings.enabled else ' (not enabled)'}"
        )
        for at in times:
            click.echo(f"    {at:%a %Y-%m-%d %H:%M:%S %Z}")
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
        lines = getattr(problem, "understood", ())
        for place, line in enumerate(lines):
            click.echo(f"  Understood of it: {line}" if place == 0 else f"    {line}", err=True)
    if not found.declared and not problems:
        click.echo(_nothing(pipeline))
    ctx.exit(1 if problems else 0)


@schedule.command()
@click.argument("pipeline", required=False)
@click.option("--days", type=click.FloatRange(min=0.01, max=800), default=7, show_default=True, help="How far to look.")
@click.option("--from", "begin", metavar="DATE", help="Begin there instead of now, as in 2026-03-28.")
@_store_option
@_json_option
@click.pass_context
def preview(
    ctx: click.Context, pipeline: str | None, days: float, begin: str | None, url: str | None, as_json: bool
) -> None:
    """Show when the schedules of PIPELINE, or of the project, are due: local times, changes of clocks, collisions.

    Times that passed while no scheduler ran are shown as well, with what becomes of them.
    """
    from cellmill.cli.schedule_view import console, print_preview
    from cellmill.schedule.clocks import changes_of_clocks
    from cellmill.schedule.preview import preview, usual_seconds
    from cellmill.schedule.project import look_at
    from cellmill.schedule.triggers import next_times
    from cellmill.schedule.zones import local_zone

    root, folders = _folders(pipeline)
    found = look_at(root, folders, time.time())
    for problem in found.problems:
        click.echo(f"Error: {problem}", err=True)
    start = datetime.now(local_zone())
    if begin is not None:
        try:
            start = datetime.fromisoformat(begin)
        except ValueError:
            raise click.BadParameter("a date is written as in 2026-03-28", param_hint="--from") from None
        if not 1970 < start.year < 3000:
            raise click.BadParameter("a year is from 1971 to 2999", param_hint="--from")
        start = start if start.tzinfo else start.replace(tzinfo=local_zone())
    length = timedelta(days=days)
    usual = usual_seconds(root, [one.folder for one in found.declared])
    times = preview(found.declared, start, length, usual)
    clocks = changes_of_clocks([one.settings.zone for one in found.declared], start, length)
    missed = _missed(root, url, [one.folder for one in found.declared]) if begin is None else []
    if as_json:
        told = {
            "times": [one.as_dict() for one in times],
            "changes_of_clocks": [{"zone": zone.key, "at": at.isoformat()} for zone, at in clocks],
            "missed": missed,
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        ctx.exit(1 if found.problems else 0)
    out = console()
    print_preview(times)
    for line in missed:
        out.print(line["words"], markup=False, highlight=False, soft_wrap=True, style="yellow")
    for zone, at in clocks:
        out.print(f"Clocks change in {zone.key}: from {at:%a %Y-%m-%d %H:%M %Z} on.", highlight=False, soft_wrap=True)
    for one in found.declared:
        label, shown = f"{one.folder.name}/{one.name}", {(time.folder, time.name) for time in times}
        if (one.folder, one.name) not in shown:
            upcoming = next_times(one.settings.trigger, start + length, 1)
            then = f", next {upcoming[0]:%a %Y-%m-%d %H:%M:%S %Z}" if upcoming else ""
            then = then if one.settings.enabled else " (not enabled)"
            out.print(f"{label}: {one.settings.words()}{then}", markup=False, highlight=False, soft_wrap=True)
    if not found.declared and not found.problems:
        click.echo(_nothing(pipeline))
    ctx.exit(1 if found.problems else 0)


@schedule.command()
@click.argument("pipeline", required=False)
@_store_option
def apply(pipeline: str | None, url: str | None) -> None:
    """Store the schedules of PIPELINE, or of the project, after checking all of them.

    A scheduler that serves the project does this by itself when a file changes.
    """
    from cellmill.schedule.project import apply

    root, folders = _folders(pipeline)
    store = _store(root, url)
    changes = apply(store, root, folders, time.time())
    for what, names in (("New", changes.added), ("Changed", changes.changed), ("Taken away", changes.removed)):
        for name in names:
            click.echo(f"{what}: {name}")
    number = len(changes.unchanged)
    if not changes.any:
        click.echo(f"Nothing changed; {number} {'schedule is' if number == 1 else 'schedules are'} stored.")
    _say_who_runs(store, root)


@schedule.command(name="list")
@click.argument("pipeline", required=False)
@_store_option
@_json_option
def list_(pipeline: str | None, url: str | None, as_json: bool) -> None:
    """List the stored schedules with when each is due next and how its last run ended."""
    from cellmill.cli.schedule_view import print_list
    from cellmill.schedule.declare import known_schedules
    from cellmill.schedule.project import told

    root, folders = _folders(pipeline)
    store = _store(root, url)
    known = [one for one in known_schedules(store, [root]) if folders is None or one.folder in folders]
    found = [told(store, one, time.time()) for one in known]
    if as_json:
        click.echo(json.dumps({"schedules": found}, indent=2, ensure_ascii=False))
        return
    if not found:
        click.echo("No schedule is stored; write one into cellmill.yaml and type: cellmill schedule apply")
        return
    print_list(found)
    _say_who_runs(store, root)


@schedule.command()
@click.argument("name", metavar="SCHEDULE")
@_store_option
def pause(name: str, url: str | None) -> None:
    """Let SCHEDULE (PIPELINE/NAME) be due no more until it is resumed. A run that goes on ends as usual."""
    from cellmill.schedule.pausing import pause

    store, known = _named(name, url)
    done = pause(store, known)
    click.echo(
        f"{known.label} is paused; go on with: cellmill schedule resume {known.label}"
        if done
        else f"{known.label} was paused already."
    )


@schedule.command()
@click.argument("name", metavar="SCHEDULE")
@_store_option
def resume(name: str, url: str | None) -> None:
    """Let SCHEDULE (PIPELINE/NAME) be due again, from now on."""
    from cellmill.schedule.pausing import resume

    store, known = _named(name, url)
    done = resume(store, known, time.time())
    click.echo(f"{known.label} goes on." if done else f"{known.label} is not paused.")


@schedule.command(name="run-now")
@click.argument("name", metavar="SCHEDULE")
@_store_option
def run_now(name: str, url: str | None) -> None:
    """Run SCHEDULE (PIPELINE/NAME) now, once, besides its times."""
    from cellmill.schedule.project import run_now

    store, known = _named(name, url)
    tick = run_now(store, known, time.time())
    words = {"queued": f"{known.label} is next.", "skipped": f"{known.label} is not run: {tick.reason}."}
    click.echo(words[tick.state])
    _say_who_runs(store, known.root)


@schedule.command(name="alert-test")
@click.argument("name", metavar="SCHEDULE")
@_store_option
@click.pass_context
def alert_test(ctx: click.Context, name: str, url: str | None) -> None:
    """Send a message to each address that alerts of SCHEDULE (PIPELINE/NAME) go to.

    The addresses are those of this terminal's environment: start it with the scheduler's. Exits with 1 if a variable is
    not set, or a message could not be sent.
    """
    from cellmill.errors import CellmillError
    from cellmill.monitor.sending import send

    _, known = _named(name, url)
    variables = dict.fromkeys(one.variable for one in known.settings.alerts)
    if not variables:
        raise CellmillError(
            f"schedule.{known.name} has no alerts",
            notebook=known.folder / "cellmill.yaml",
            remedy="write `alerts: [{to: $VARIABLE}]` there",
        )
    failed = False
    for variable in variables:
        title = f"{known.label}: a test"
        problem = send(variable, title, f"Alerts of {known.label} will come here; somebody tried it out.", "recovery")
        failed = failed or problem is not None
        if problem is None:
            click.echo(f"Sent to ${variable}.")
        elif problem.startswith(f"${variable}"):
            click.echo(f"Error: {problem}; set it to an Apprise address, as in slack://... or mailto://...", err=True)
        else:
            click.echo(f"Error: nothing was sent to ${variable}: {problem}.", err=True)
    ctx.exit(1 if failed else 0)


@schedule.command()
@click.argument("name", metavar="SCHEDULE", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most so many.")
@_store_option
@_json_option
def history(name: str | None, limit: int, url: str | None, as_json: bool) -> None:
    """Show what became of the times of SCHEDULE (PIPELINE/NAME), or of all, the latest first."""
    from cellmill.cli.schedule_view import print_history
    from cellmill.schedule.declare import known_schedules
    from cellmill.schedule.project import as_dict, history

    if name is not None:
        store, one = _named(name, url)
        known = [one]
    else:
        root, _ = _folders(None)
        store = _store(root, url)
        known = known_schedules(store, [root])
    ticks = history(store, known, limit)
    by_id = {one.id: one for one in known}
    if as_json:
        told = [{"schedule": by_id[tick.schedule_id].label, **as_dict(tick)} for tick in ticks]
        click.echo(json.dumps({"ticks": told}, indent=2, ensure_ascii=False))
    elif ticks:
        print_history(ticks, by_id)
    else:
        click.echo("Nothing was due yet.")


def _folders(pipeline: str | None) -> tuple[Path, list[Path] | None]:
    """The project's root, and the folder that was named."""
    from cellmill.cli.paths import find_project

    return find_project(pipeline)


def _others(problems: Sequence[CellmillError], told: Sequence[CellmillError]) -> list[CellmillError]:
    """Those that have not been told: a file that can't be read is the same problem for all who read it."""
    known = {str(one) for one in told}
    return [one for one in problems if str(one) not in known]


def _store(root: Path, url: str | None) -> Store:
    from cellmill.schedule.store import Store, store_url

    return Store(store_url(root, url))


def _named(word: str, url: str | None) -> tuple[Store, Known]:
    from cellmill.notebook import project_root
    from cellmill.schedule.project import named

    root = project_root(Path.cwd())
    store = _store(root, url)
    return store, named(store, root, word)


def _nothing(pipeline: str | None) -> str:
    where = f"{pipeline} declares" if pipeline is not None else "This project declares"
    return f"{where} no schedule; write one into a pipeline's cellmill.yaml, under `schedule:`."


def _say_who_runs(store: Store, root: Path) -> None:
    """Say if nobody would run what is stored."""
    from cellmill.schedule.members import serving

    if not serving(store, root):
        click.echo("No scheduler runs; start one with: cellmill scheduler")


def _missed(root: Path, url: str | None, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Times that passed since a scheduler last looked, with what becomes of them."""
    from cellmill.cli.schedule_view import local
    from cellmill.schedule.declare import known_schedules
    from cellmill.schedule.planner import plan
    from cellmill.schedule.store import store_url

    address = store_url(root, url)
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).exists():
        return []
    found, now = [], time.time()
    for known in known_schedules(_store(root, url), [root]):
        if known.folder not in folders or not known.active:
            continue
        ticks = plan(known.id, known.settings, known.since, now)
        for state, words in (("missed", "missed"), ("queued", "due")):
            if some := [tick for tick in ticks if tick.state == state]:
                count = sum(tick.count for tick in some)
                number = "1 time" if count == 1 else f"{count} times"
                then = f"; the next scheduler runs {'it' if count == 1 else 'them'}" if state == "queued" else ""
                sentence = f"{known.label}: {number} {words} since {local(some[0].due, known)}{then}."
                found.append({"schedule": known.label, "words": sentence, "due": some[0].due, "count": count})
    return found
